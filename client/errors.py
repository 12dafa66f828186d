"""What can go wrong between an application and the service.

ClientError            root of this package's errors
  ConnectionFailed     there was no answer
  ServiceError         the service answered with a problem (RFC 9457); `code` is stable
    InvalidRequest     400, 422: the request cannot be used
    AccessDenied       401, 403: the key is missing, wrong or allows less
    NotFound           404: no such collection, item or version
    Conflict           409: what was asked for does not fit what is served
    TooLarge           413: more bytes or records than the stated limit
    Overloaded         429: the queue is full
    NotReady           503: nothing is loaded yet, or the server is draining
    RerankerFailed     503, reranker-failed: a reranking failed, and no other order was to be given
    DeadlineExceeded   504: the answer was not there in time
"""

import httpx


class ClientError(Exception):
    """Root of this package's errors."""


class ConnectionFailed(ClientError):
    """There was no answer; `was_sent` says whether the service may be working on the request all the same."""

    def __init__(self, error: httpx.TransportError) -> None:
        super().__init__(f"no answer: {type(error).__name__}: {error}")
        self.__cause__ = error
        self.was_sent = isinstance(error, httpx.ReadTimeout)


class ServiceError(ClientError):
    """The service answered with a problem; `code` is stable, `request_id` finds the request in its logs."""

    def __init__(self, status: int, code: str, detail: str, request_id: str, retry_after_s: float | None) -> None:
        super().__init__(f"{status} {code}: {detail} (request {request_id})")
        self.status = status
        self.code = code
        self.detail = detail
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class InvalidRequest(ServiceError):
    """The request cannot be used; the detail names the field and the position."""


class AccessDenied(ServiceError):
    """The key is missing, wrong or allows less."""


class NotFound(ServiceError):
    """No such collection, item or version."""


class Conflict(ServiceError):
    """What was asked for does not fit what is served."""


class TooLarge(ServiceError):
    """More bytes or records than the stated limit."""


class Overloaded(ServiceError):
    """The queue is full; come back after `retry_after_s`."""


class NotReady(ServiceError):
    """Nothing is loaded yet, or the server is draining."""


class RerankerFailed(ServiceError):
    """A reranking failed, and no other order was to be given; the same request fails again, so it is not sent again."""


class DeadlineExceeded(ServiceError):
    """The answer was not there in time."""


_BY_STATUS: dict[int, type[ServiceError]] = {
    400: InvalidRequest,
    401: AccessDenied,
    403: AccessDenied,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: InvalidRequest,
    429: Overloaded,
    503: NotReady,
    504: DeadlineExceeded,
}
_BY_CODE: dict[str, type[ServiceError]] = {"reranker-failed": RerankerFailed}


def service_error(response: httpx.Response) -> ServiceError:
    """The error of an answer that is none of success; a body that is no problem, as of a proxy, is quoted."""
    try:
        body = response.json()
    except ValueError:
        body = None
    problem = body if isinstance(body, dict) else {}
    code = str(problem.get("code", "no-problem"))
    error_class = _BY_CODE.get(code) or _BY_STATUS.get(response.status_code, ServiceError)
    return error_class(
        response.status_code,
        code,
        str(problem.get("detail", response.text[:200])),
        response.headers.get("x-request-id", "unknown"),
        _seconds(response.headers.get("retry-after")),
    )


def _seconds(retry_after: str | None) -> float | None:
    """Seconds of a Retry-After header; the service never sends the form with a date, and it is not read."""
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
