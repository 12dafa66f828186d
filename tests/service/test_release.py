import re

from service.release import RELEASE


def test_the_release_is_a_version() -> None:
    assert re.match(r"\d+\.\d+\.\d+", RELEASE)
