"""The errors of the project's root and of this package.

RetrievalError                 root of everything that a user can meet; `code` is stable, the message says what to do
  ConfigError                  a setting is unknown, missing or contradicts another
  BundleError                  an exported model folder cannot be used
    BundleNotFound             no such bundle in the collection
    BundleCorrupt              a file is missing, torn, flipped or foreign
    BundleFormatUnsupported    written by another format version
    ProviderUnavailable        the asked device does not start an ONNX session
    RuntimeConflict            two packages that own the same folder are installed
  InputError                   what the caller handed in cannot be used
    InvalidName                a collection, bundle or version name that is not a plain name
    InvalidTable               a table has a bad column, row or value
    InvalidRecord              a record has a bad feature
    UnknownItem                an item id that the corpus does not hold
    BatchTooLarge              more records than the stated limit
    InvalidSemanticId          codes outside the codebooks
"""

from typing import ClassVar


class RetrievalError(Exception):
    """Root of all errors that carry a message for the user.

    `message` names what is wrong and what to do; `context` holds the values for logs and machine readers.
    """

    code: ClassVar[str] = "retrieval-error"

    def __init__(self, message: str, **context: object) -> None:
        super().__init__(message)
        self.message = message
        self.context = context


class ConfigError(RetrievalError):
    """A setting is unknown, missing or contradicts another."""

    code = "config-error"


class BundleError(RetrievalError):
    """An exported model folder cannot be used."""

    code = "bundle-error"


class BundleNotFound(BundleError):
    """No such bundle in the collection."""

    code = "bundle-not-found"


class BundleCorrupt(BundleError):
    """A file of the bundle is missing, torn, flipped or foreign."""

    code = "bundle-corrupt"


class BundleFormatUnsupported(BundleError):
    """The bundle was written by another format version."""

    code = "bundle-format-unsupported"


class ProviderUnavailable(BundleError):
    """The asked device does not start an ONNX session."""

    code = "provider-unavailable"


class RuntimeConflict(BundleError):
    """Two installed packages own the same import folder."""

    code = "runtime-conflict"


class InputError(RetrievalError):
    """What the caller handed in cannot be used."""

    code = "invalid-input"


class InvalidName(InputError):
    """A collection, bundle or version name that is not a plain name."""

    code = "invalid-name"


class InvalidTable(InputError):
    """A table has a bad column, row or value."""

    code = "invalid-table"


class InvalidRecord(InputError):
    """A record has a bad feature."""

    code = "invalid-record"


class UnknownItem(InputError):
    """An item id that the corpus does not hold."""

    code = "unknown-item"


class BatchTooLarge(InputError):
    """More records than the stated limit."""

    code = "batch-too-large"


class InvalidSemanticId(InputError):
    """Codes outside the codebooks, or of the wrong length."""

    code = "invalid-semantic-id"
