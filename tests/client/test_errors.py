import httpx
import pytest

from client import errors
from client.errors import ServiceError, service_error
from client.retries import Retries


@pytest.mark.parametrize(
    ("status", "kind"),
    [(422, "InvalidRequest"), (401, "AccessDenied"), (413, "TooLarge"), (429, "Overloaded"), (504, "DeadlineExceeded")],
)
def test_the_class_is_that_of_the_status(status: int, kind: str) -> None:
    body = {"code": "some-code", "detail": "what is wrong"}
    headers = {"x-request-id": "r9", "retry-after": "3"}
    error = service_error(httpx.Response(status, json=body, headers=headers))
    assert type(error) is getattr(errors, kind)
    assert (error.status, error.code, error.detail, error.request_id) == (status, "some-code", "what is wrong", "r9")
    assert error.retry_after_s == 3


def test_an_answer_of_something_between_is_quoted() -> None:
    error = service_error(httpx.Response(502, text="<h1>Bad gateway</h1>", headers={"retry-after": "soon"}))
    assert type(error) is ServiceError
    assert (error.code, error.detail, error.retry_after_s) == ("no-problem", "<h1>Bad gateway</h1>", None)
    assert service_error(httpx.Response(503, json=["no", "object"])).code == "no-problem"


def test_a_reranker_that_failed_is_not_a_service_that_is_not_ready() -> None:
    error = service_error(httpx.Response(503, json={"code": "reranker-failed", "detail": "ask without it"}))
    assert type(error) is errors.RerankerFailed
    assert Retries().wait_s(error, 1) is None
