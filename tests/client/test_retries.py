import httpx
import pytest

from client.errors import ClientError, ConnectionFailed, DeadlineExceeded, NotReady, Overloaded, ServiceError
from client.retries import Retries

RETRIES = Retries(tries=4, first_wait_s=0.2, longest_wait_s=5)
REFUSED = ConnectionFailed(httpx.ConnectError("refused"))


def _full(retry_after_s: float | None) -> ServiceError:
    return Overloaded(429, "overloaded", "full", "r", retry_after_s)


def test_retry_after_is_waited_for_with_a_little_more() -> None:
    waits = [RETRIES.wait_s(_full(2), 1) for _ in range(50)]
    assert all(wait is not None and 2 <= wait <= 2.2 for wait in waits)
    assert len(set(waits)) > 1  # clients that were refused together do not come back together
    assert RETRIES.wait_s(_full(5), 1) is not None
    assert RETRIES.wait_s(_full(6), 1) is None


def test_without_it_the_bound_doubles() -> None:
    for tried, bound in ((1, 0.2), (2, 0.4), (3, 0.8)):
        waits = [RETRIES.wait_s(REFUSED, tried) or 0 for _ in range(200)]
        assert 0.6 * bound < max(waits) <= bound
    assert max(Retries(tries=99).wait_s(REFUSED, 60) or 0 for _ in range(50)) <= 5


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (REFUSED, True),
        (ConnectionFailed(httpx.RemoteProtocolError("lost")), True),
        (ConnectionFailed(httpx.ReadTimeout("late")), False),
        (_full(None), True),
        (NotReady(503, "not-ready", "loading", "r", None), True),
        (DeadlineExceeded(504, "deadline-exceeded", "late", "r", None), False),
        (ServiceError(500, "retrieval-error", "oops", "r", 1), False),
    ],
)
def test_what_is_sent_again(error: ClientError, again: bool) -> None:
    assert (RETRIES.wait_s(error, 1) is not None) == again
    assert RETRIES.wait_s(error, 4) is None
