"""How long work takes, learned from what was done, so that nobody waits for an answer that would come too late."""

from collections.abc import Hashable

_WEIGHT = 0.2  # of the newest run: a change of load is followed within some ten runs


class Pace:
    """Seconds a record by kind of work, as a moving average over runs; of work that was never done, none."""

    def __init__(self) -> None:
        self._seconds: dict[Hashable, float] = {}

    def expected_s(self, kind: Hashable, records: int) -> float:
        """Seconds that so many records are expected to take."""
        return self._seconds.get(kind, 0.0) * records

    def learn(self, kind: Hashable, records: int, seconds: float) -> None:
        """Take up what a run of so many records took."""
        if records > 0:
            one = seconds / records
            self._seconds[kind] = one + (1 - _WEIGHT) * (self._seconds.get(kind, one) - one)
