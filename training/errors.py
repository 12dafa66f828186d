"""The errors of training.

TrainingError          a run cannot start, go on or be exported
  BadSplit             the split cannot be made, or leaves a part empty
  BadData              the tables are valid, but not what this run needs
  Diverged             a loss, gradient or score is not finite
  CheckpointCorrupt    a checkpoint is torn, or belongs to another run
  ExportMismatch       the exported graphs do not answer as the trained model does
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


class CheckpointCorrupt(TrainingError):
    """A checkpoint is torn, or belongs to another run."""

    code = "checkpoint-corrupt"


class ExportMismatch(TrainingError):
    """The exported graphs do not answer as the trained model does."""

    code = "export-mismatch"
