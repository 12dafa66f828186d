"""The errors of this package, below those of `bundle.errors`.

InputError
  TooFewLabels       too few gold labels, judges or queries for the estimate that was asked for
  UnusableLog        a log whose propensities do not allow the estimate
"""

from bundle.errors import InputError


class TooFewLabels(InputError):
    """Too few gold labels, judges or queries for the estimate that was asked for."""

    code = "too-few-labels"


class UnusableLog(InputError):
    """A log of impressions that the asked estimate cannot be made from."""

    code = "unusable-log"
