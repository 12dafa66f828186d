"""A number that says how sure it is."""

from dataclasses import asdict, dataclass
from statistics import NormalDist

LEVEL = 0.95


@dataclass(frozen=True)
class NormalEstimate:
    """`value` with its standard error, and the interval of the normal distribution at `level`."""

    value: float
    standard_error: float
    low: float
    high: float
    level: float

    @classmethod
    def normal(cls, value: float, standard_error: float, level: float = LEVEL) -> "NormalEstimate":
        """The interval value ± z standard errors."""
        reach = z_value(level) * standard_error
        return cls(value, standard_error, value - reach, value + reach, level)

    def covers(self, truth: float) -> bool:
        """Whether the interval holds `truth`."""
        return self.low <= truth <= self.high

    def flat(self) -> dict[str, float]:
        """For JSON."""
        return asdict(self)


def z_value(level: float) -> float:
    """How many standard errors an interval at `level` reaches to each side; ValueError outside (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level}, but must lie between 0 and 1")
    return NormalDist().inv_cdf((1 + level) / 2)
