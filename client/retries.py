"""When a request is sent again, and how long that waits."""

import random
from dataclasses import dataclass

from client.errors import ClientError, ConnectionFailed, NotReady, Overloaded


@dataclass(frozen=True)
class Retries:
    """Tries of one request in all, and bounds in seconds of the wait between two.

    Sent again is what changes nothing on the service, where it was refused (429, 503) or lost with its connection.
    What timed out is not: the service is too slow already. The wait is what Retry-After says, if `longest_wait_s`
    allows it, and a random share of `first_wait_s`; else a random share of `first_wait_s` that doubles every time.
    """

    tries: int = 4
    first_wait_s: float = 0.2
    longest_wait_s: float = 5.0

    def wait_s(self, error: ClientError, tried: int) -> float | None:
        """Seconds until the next try after `tried` tries; None when there shall be none."""
        if tried >= self.tries or not _may_pass(error):
            return None
        asked = error.retry_after_s if isinstance(error, Overloaded | NotReady) else None
        if asked is not None:
            return None if asked > self.longest_wait_s else asked + random.uniform(0, self.first_wait_s)
        return random.uniform(0, min(self.longest_wait_s, self.first_wait_s * 2 ** (tried - 1)))


def _may_pass(error: ClientError) -> bool:
    if isinstance(error, ConnectionFailed):
        return not error.was_sent
    return isinstance(error, Overloaded | NotReady)
