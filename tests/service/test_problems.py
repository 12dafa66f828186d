from collections.abc import Iterator

import orjson
import pytest

import index.errors
import service.errors
from bundle.errors import ConfigError, RetrievalError, UnknownItem
from service.errors import BodyTooLarge, KeyRequired, Overloaded
from service.problems import TABLE, failure_of, problem_of, row_of
from service.schemas.problem import Problem


def _all_errors(parent: type[RetrievalError] = RetrievalError) -> Iterator[type[RetrievalError]]:
    yield parent
    for child in parent.__subclasses__():
        yield from _all_errors(child)


SERVED = sorted(
    {error for error in _all_errors() if error.__module__.split(".")[0] in ("bundle", "index", "service")},
    key=lambda error: error.__qualname__,
)


@pytest.mark.parametrize("error", SERVED)
def test_every_error_has_a_row_below_the_root(error: type[RetrievalError]) -> None:
    parents = [parent for parent in error.__mro__ if parent in TABLE]
    assert error is RetrievalError or parents[0] is not RetrievalError
    assert 400 <= row_of(error).status <= 504


def test_codes_are_unique_and_stable_slugs() -> None:
    codes = [error.code for error in SERVED]
    assert len(set(codes)) == len(codes)
    assert all(code == code.lower() and " " not in code for code in codes)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnknownItem("x"), 404),
        (index.errors.VersionNotFound("x"), 404),
        (index.errors.BundleMismatch("x"), 409),
        (index.errors.DimensionMismatch("x"), 422),
        (index.errors.VersionCorrupt("x"), 503),
        (service.errors.DeadlineExceeded("x"), 504),
        (KeyRequired("x"), 401),
    ],
)
def test_statuses(error: RetrievalError, status: int) -> None:
    problem = problem_of(failure_of(error, "/v1/x", "id-1"))
    body = Problem.model_validate_json(problem.body)
    assert (problem.status, body.status, body.detail, body.code) == (status, status, "x", error.code)
    assert (body.instance, body.request_id) == ("/v1/x", "id-1")


def test_internal_errors_hide_their_message() -> None:
    body = orjson.loads(problem_of(failure_of(ConfigError("password is hunter2"), "/", "id-7")).body)
    assert body["status"] == 500
    assert "hunter2" not in str(body)
    assert "id-7" in body["detail"]


def test_headers() -> None:
    assert (b"retry-after", b"3") in problem_of(failure_of(Overloaded("x", retry_after_s=3), "/", "i")).headers
    assert (b"www-authenticate", b"Bearer") in problem_of(failure_of(KeyRequired("x"), "/", "i")).headers
    assert (b"connection", b"close") in problem_of(failure_of(BodyTooLarge("x"), "/", "i")).headers


def test_a_quoted_input_cannot_fill_the_answer() -> None:
    assert len(problem_of(failure_of(UnknownItem("y" * 1_000_000), "/", "i")).body) < 3000
