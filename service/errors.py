"""The errors that serving adds.

ServingError             root of this package's errors
  InvalidRequest         a body or field that cannot be used
  BodyTooLarge           more bytes than the stated limit
  UnknownCollection      no such collection is served
  UnknownModel           no tower that reads text has this model name
  UnknownPage            the console has no such file
  NoSemanticIds          the served bundle has no quantizer
  RerankerNotServed      the served bundle or version lacks what a cross-encoder needs
  KeyRequired            a key is needed, and none or an unknown one was sent
  KeyNotAllowed          the key is not for this collection, or lacks the scope
  ActivationDisabled     nobody may change what is served
  ActivationSuperseded   another version was activated meanwhile
  NotReady               nothing is loaded yet, or the server is draining
  Overloaded             the queue is full; try again later
  DeadlineExceeded       the answer was not there in time
  ClientGone             the caller closed the connection before that
  UnsupportedMediaType   a body of a kind that the route does not take
"""

from bundle.errors import RetrievalError


class ServingError(RetrievalError):
    """Root of this package's errors."""

    code = "serving-error"


class InvalidRequest(ServingError):
    """A body or field that cannot be used."""

    code = "invalid-request"


class BodyTooLarge(ServingError):
    """More bytes than the stated limit."""

    code = "body-too-large"


class UnknownCollection(ServingError):
    """No such collection is served."""

    code = "unknown-collection"


class UnknownModel(ServingError):
    """No tower that reads text has this model name."""

    code = "unknown-model"


class UnknownPage(ServingError):
    """The console has no such file."""

    code = "unknown-page"


class NoSemanticIds(ServingError):
    """The served bundle has no quantizer."""

    code = "no-semantic-ids"


class RerankerNotServed(ServingError):
    """The served bundle has no cross-encoder, or its index version was built without search by it."""

    code = "reranker-not-served"


class KeyRequired(ServingError):
    """A key is needed, and none or an unknown one was sent."""

    code = "key-required"


class KeyNotAllowed(ServingError):
    """The key is not for this collection, or lacks the scope."""

    code = "key-not-allowed"


class ActivationDisabled(ServingError):
    """No admin key is configured, so nothing can be activated over HTTP."""

    code = "activation-disabled"


class ActivationSuperseded(ServingError):
    """Another version was activated while this one was loaded."""

    code = "activation-superseded"


class NotReady(ServingError):
    """Nothing is loaded yet, or the server is draining."""

    code = "not-ready"


class Overloaded(ServingError):
    """The queue is full; try again after `retry_after_s`."""

    code = "overloaded"


class DeadlineExceeded(ServingError):
    """The answer was not there in time."""

    code = "deadline-exceeded"


class ClientGone(ServingError):
    """The caller closed the connection before its answer was there; nobody reads this but the log."""

    code = "client-gone"


class UnsupportedMediaType(ServingError):
    """A body of a media type that the route does not take."""

    code = "unsupported-media-type"
