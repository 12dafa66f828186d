"""The errors of this package, below the root in bundle/errors.py.

VersionError                   an index version cannot be built, found, opened or activated
  VersionNotFound              no such index version in the collection
  VersionCorrupt               a file is missing, torn, flipped or foreign
  VersionFormatUnsupported     written by another format version
  VersionClosed                searched after it was closed
  BundleMismatch               the version pins another bundle than the one opened
  NoActiveVersion              no version was activated yet
  NoEarlierVersion             a rollback has nothing to go back to
  AlreadyActive                a trial of the version that is active
  DeviceUnavailable            the asked device cannot hold this index
  RecallBelowTarget            no setting of the kind reaches the target index recall
  EmbeddingFailed              the item tower gave embeddings that cannot be indexed
RerankerFailed                 a reranker raised, gave no numbers, or had no time
InputError                     (bundle/errors.py)
  RelationNotServed            a relation between items that this bundle was not trained for
  HubnessNotServed             hubs are to be undone, but the index version has no bias for that
  LexicalNotServed             a search by words over a version without an index of words
  DimensionMismatch            a query vector of another length than the corpus has
  InvalidVector                a query vector with NaN or infinite values, or not a matrix
  InvalidFilter                a filter on a field that is not there, with values of another kind, or too large
  ContradictoryExamples        an example that hits are to be like and unlike
  InvalidSearchParams          a k or a search parameter that this kind does not take
"""

from bundle.errors import InputError, RetrievalError


class VersionError(RetrievalError):
    """An index version cannot be built, found, opened or activated."""

    code = "version-error"


class VersionNotFound(VersionError):
    """No such index version in the collection."""

    code = "version-not-found"


class VersionCorrupt(VersionError):
    """A file of the index version is missing, torn, flipped or foreign."""

    code = "version-corrupt"


class VersionFormatUnsupported(VersionError):
    """The index version was written by another format version."""

    code = "version-format-unsupported"


class VersionClosed(VersionError):
    """The index version was searched after it was closed."""

    code = "version-closed"


class BundleMismatch(VersionError):
    """The index version pins another bundle than the one opened."""

    code = "bundle-mismatch"


class NoActiveVersion(VersionError):
    """No index version of the collection was activated yet."""

    code = "no-active-version"


class NoEarlierVersion(VersionError):
    """A rollback has no earlier version to go back to."""

    code = "no-earlier-version"


class AlreadyActive(VersionError):
    """The version that is to be tried beside the active one is the active one."""

    code = "already-active"


class DeviceUnavailable(VersionError):
    """The asked device is not there, or cannot hold this kind of index."""

    code = "device-unavailable"


class RebuildRunning(VersionError):
    """Another rebuild or garbage collection of the collection holds the lock."""

    code = "rebuild-running"


class RecallBelowTarget(VersionError):
    """No setting of the index kind reaches the target index recall."""

    code = "recall-below-target"


class EmbeddingFailed(VersionError):
    """The item tower gave embeddings that cannot be indexed."""

    code = "embedding-failed"


class RelationNotServed(InputError):
    """A relation between items that the bundle of this index version was not trained for."""

    code = "relation-not-served"


class HubnessNotServed(InputError):
    """Hubs are to be undone, but the index version was built without the bias that does it."""

    code = "hubness-not-served"


class LexicalNotServed(InputError):
    """A search by words over an index version that has no index of words."""

    code = "lexical-not-served"


class DimensionMismatch(InputError):
    """A query vector has another length than the corpus."""

    code = "dimension-mismatch"


class InvalidVector(InputError):
    """Query vectors are not a matrix of finite numbers."""

    code = "invalid-vector"


class InvalidSearchParams(InputError):
    """A k or a search parameter that this index kind does not take."""

    code = "invalid-search-params"


class InvalidFilter(InputError):
    """A filter names a field that is not there, compares it with values of another kind, or is too large."""

    code = "invalid-filter"


class ContradictoryExamples(InputError):
    """An example that hits are to be like has nothing that those they are to be unlike do not have."""

    code = "contradictory-examples"


class RerankerFailed(RetrievalError):
    """A reranker raised, gave scores that are not numbers, or had no time; `context["reason"]` says which."""

    code = "reranker-failed"
