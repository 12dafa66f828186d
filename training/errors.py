"""The errors of training.

TrainingError          a run cannot start, go on or be exported
  BadSplit             the split cannot be made, or leaves a part empty
  BadData              the tables are valid, but not what this run needs
  Diverged             a loss, gradient or score is not finite
  Collapsed            a tower gives all records nearly the same embedding
  CheckpointCorrupt    a checkpoint is torn, or belongs to another run
  CheckpointNotSaved   a checkpoint cannot be written, for example because the disk is full
  ProcessLost          another process of the run has stopped or does not answer
  BundleNotWritten     a bundle cannot be written, for example because the disk is full
  ExportMismatch       the exported graphs do not answer as the trained model does
  EndpointFailed       an endpoint cannot be reached, refuses, or answers what cannot be used
  BudgetReached        what may be spent on an endpoint is spent
  JournalMismatch      a journal of answers is damaged, in use, or of other prompts
"""

from bundle.errors import RetrievalError


class TrainingError(RetrievalError):
    """A run cannot start, go on or be exported."""

    code = "training-error"


class BadSplit(TrainingError):
    """The split cannot be made from these interactions, or leaves train or test empty."""

    code = "bad-split"


class BadData(TrainingError):
    """The tables are valid, but they do not hold what this run needs."""

    code = "bad-data"


class Diverged(TrainingError):
    """A loss, a gradient or a score is not finite."""

    code = "diverged"


class Collapsed(TrainingError):
    """A tower gives all records nearly the same embedding."""

    code = "collapsed"


class CheckpointCorrupt(TrainingError):
    """A checkpoint is torn, or belongs to another run."""

    code = "checkpoint-corrupt"


class CheckpointNotSaved(TrainingError):
    """A checkpoint cannot be written, for example because the disk is full; the one before it stays."""

    code = "checkpoint-not-saved"


class ProcessLost(TrainingError):
    """Another process of the run has stopped, does not answer, or does not stand where this one does."""

    code = "process-lost"


class BundleNotWritten(TrainingError):
    """A bundle cannot be written, for example because the disk is full; nothing of it is left."""

    code = "bundle-not-written"


class ExportMismatch(TrainingError):
    """The exported graphs do not answer as the trained model does."""

    code = "export-mismatch"


class EndpointFailed(TrainingError):
    """An endpoint cannot be reached, refuses, or answers what cannot be used."""

    code = "endpoint-failed"


class BudgetReached(TrainingError):
    """What may be spent on an endpoint is spent; what was answered is kept."""

    code = "budget-reached"


class JournalMismatch(TrainingError):
    """A journal of answers is damaged, in use, or was made with other prompts."""

    code = "journal-mismatch"
