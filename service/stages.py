"""Where the time of one run went; every request that was joined into the run tells the same."""

import time
from functools import cached_property


class Stages(dict[str, float]):
    """Seconds by stage; `mark` closes the stage that began at the last mark.

    What headers and log lines say of them is made once a run, not once a request, and so only after the last mark.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last = time.perf_counter()

    @property
    def ended(self) -> float:
        """When the last mark was made, by time.perf_counter."""
        return self._last

    def mark(self, stage: str) -> None:
        """Add the time since the last mark to `stage`."""
        now = time.perf_counter()
        self[stage] = self.get(stage, 0.0) + now - self._last
        self._last = now

    @cached_property
    def milliseconds(self) -> dict[str, float]:
        """Milliseconds by stage, to a thousandth."""
        return {name: round(seconds * 1000, 3) for name, seconds in self.items()}

    @cached_property
    def server_timing(self) -> bytes:
        """The value of the header Server-Timing (W3C Server Timing)."""
        return ", ".join([f"{name};dur={milliseconds}" for name, milliseconds in self.milliseconds.items()]).encode()
