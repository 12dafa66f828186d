"""What every test runs under."""

from hypothesis import settings

# A time limit an example would be a timed assertion: it fails on a busy machine and says nothing.
settings.register_profile("without-deadline", deadline=None)
settings.load_profile("without-deadline")
