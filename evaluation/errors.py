"""The errors of this package, below the root in bundle/errors.py.

InputError             (bundle/errors.py)
  InvalidTrecFile      a run or qrels file has a bad line
  InvalidJudgements    a grade is no number, or too large for its gain
  UnknownMetric        a metric that is not measured here
  NothingToMeasure     no query is left that says anything
  QueriesDiffer        two systems were not asked the same
  TooFewLabels         too few gold labels, judges or queries for the estimate that was asked for
  NotDrawnFromHere     labels whose chances cannot be those of the pairs that they are to correct
  UnusableLog          a log of impressions that the asked estimate cannot be made from
"""

from bundle.errors import InputError


class InvalidTrecFile(InputError):
    """A run or qrels file has a bad line."""

    code = "invalid-trec-file"


class InvalidJudgements(InputError):
    """A grade is no number, or too large for the gain that is made of it."""

    code = "invalid-judgements"


class UnknownMetric(InputError):
    """A metric that is not measured here."""

    code = "unknown-metric"


class NothingToMeasure(InputError):
    """No query is left that says anything."""

    code = "nothing-to-measure"


class QueriesDiffer(InputError):
    """Two systems were not asked the same queries, or not about the same answers."""

    code = "queries-differ"


class TooFewLabels(InputError):
    """Too few gold labels, judges or queries for the estimate that was asked for."""

    code = "too-few-labels"


class NotDrawnFromHere(InputError):
    """Labels whose chances cannot be those by which they were drawn from the pairs that they are to correct."""

    code = "not-drawn-from-here"


class UnusableLog(InputError):
    """A log of impressions that the asked estimate cannot be made from."""

    code = "unusable-log"
