"""A version that is tried beside the served one."""

from dataclasses import dataclass

from index.shadow import Shadow
from service.loaded import Failure, Loaded
from service.shadow.tally import Tally, Trial


@dataclass(frozen=True, eq=False)
class Candidate:
    """What SHADOW asks for and what became of it: loaded, or not with the reason."""

    shadow: Shadow
    loaded: Loaded | None
    failure: Failure | None
    tally: Tally

    @classmethod
    def of(cls, shadow: Shadow, served: Loaded, loaded: Loaded | None, failure: Failure | None = None) -> "Candidate":
        """A candidate with an empty tally."""
        trial = Trial(served.collection, served.index_version, shadow.version, shadow.started_at)
        return cls(shadow, loaded, failure, Tally(trial))

    def beside(self, served: Loaded) -> "Candidate":
        """The same candidate beside another served version; what it showed beside the last one says nothing here."""
        return Candidate.of(self.shadow, served, self.loaded, self.failure)
