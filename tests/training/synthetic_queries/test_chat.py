import asyncio
import logging
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bundle.errors import ConfigError
from tests.training.synthetic_queries.speaker import KEY, Reply, completion, speaking
from training.errors import EndpointFailed
from training.synthetic_queries.chat import Answer, Chat, ChatConfig, read_key, retry_after
from training.synthetic_queries.pace import Pace


def _ask(url: str, prompts: int = 1, key: str | None = KEY, **settings: object) -> tuple[list[Answer], int]:
    async def run() -> tuple[list[Answer], int]:
        config = ChatConfig.model_validate({"url": url, "model": "m", "longest_wait_s": 3, **settings})
        async with Chat(config, key, Pace(config.requests_per_minute)) as chat:
            return [await chat.ask(f"prompt {n}") for n in range(prompts)], chat.retries

    return asyncio.run(run())


def test_an_answer_comes_with_its_tokens() -> None:
    with speaking(lambda _: completion("a\nb", 7, 5)) as speaker:
        assert _ask(speaker.url) == ([Answer("a\nb", 7, 5)], 0)
        assert speaker.bodies[0] == {
            "model": "m",
            "messages": [{"role": "user", "content": "prompt 0"}],
            "temperature": 1.0,
            "max_tokens": 256,
        }
        speaker.answer = lambda _: completion(None, usage=False)
        assert _ask(speaker.url + "/", key=None, temperature=0, max_tokens_name="max_completion_tokens")[0] == [
            Answer("")
        ]
        assert speaker.bodies[1]["max_completion_tokens"] == 256 and speaker.keys[1] is None


def test_an_answer_that_reached_the_most_tokens_says_so() -> None:
    with speaking(lambda _: completion("a\nb", 7, 256, finish="length")) as speaker:
        assert _ask(speaker.url)[0] == [Answer("a\nb", 7, 256, cut=True)]


def test_too_many_requests_are_repeated_after_the_time_that_is_asked_for() -> None:
    with speaking(lambda _: completion("ok")) as speaker:
        speaker.replies = [Reply(429, b"slow down", {"Retry-After": "1"})]
        answers, retries = _ask(speaker.url)
    assert (answers[0].text, retries) == ("ok", 1)
    assert speaker.times[1] - speaker.times[0] >= 1.0


def test_a_faulty_endpoint_is_asked_again() -> None:
    with speaking(lambda _: completion("ok")) as speaker:
        soon = {"Retry-After": "0"}
        speaker.replies = [Reply(500, b"oops", soon), Reply(503, b"<html>", soon), Reply(200, completion("ok").body)]
        assert _ask(speaker.url)[1] == 2
        assert len(speaker.prompts) == 3


def test_without_a_word_of_it_the_waits_grow_and_the_run_stops() -> None:
    with speaking(lambda _: Reply(500, b"oops")) as speaker, pytest.raises(EndpointFailed) as failure:
        _ask(speaker.url, attempts=3, longest_wait_s=0.05)
    assert len(speaker.prompts) == 3
    assert "status 500 in 3 attempts" in failure.value.message and "--resume" in failure.value.message


def test_a_slow_answer_is_given_up_and_asked_for_again() -> None:
    begun = time.monotonic()
    with speaking(lambda _: completion("ok")) as speaker:
        speaker.replies = [Reply(200, b"late", after_s=0.5)]
        answers, retries = _ask(speaker.url, timeout_s=0.2, longest_wait_s=0.05)
        assert (answers[0].text, retries) == ("ok", 1)
        speaker.replies = [Reply(200, b"late", after_s=0.3)] * 2
        with pytest.raises(EndpointFailed, match=r"no answer within 0\.1 s in 2 attempts"):
            _ask(speaker.url, timeout_s=0.1, attempts=2, longest_wait_s=0.05)
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(401, f"Incorrect key: {KEY}".encode()), r"refuses the key \(status 401\).*key_variable"),
        (Reply(404, b"no model"), r"answers 404: no model; check source\.url and source\.model"),
        (Reply(301, b"", {"Location": "http://elsewhere/"}), "answers 301"),
        (Reply(200, b"<html>hello"), "no chat completion: <html>hello"),
        (Reply(200, b'{"choices": []}'), "no chat completion"),
        (Reply(200, b"\xff\xfe"), "no chat completion"),
        (Reply(429, b"", {"Retry-After": "3600"}), "asks to wait 3600 s, longer than source.longest_wait_s"),
    ],
)
def test_what_another_attempt_cannot_mend_is_not_repeated(reply: Reply, says: str) -> None:
    with speaking(lambda _: reply) as speaker, pytest.raises(EndpointFailed, match=says):
        _ask(speaker.url)
    assert len(speaker.prompts) == 1


def test_an_endpoint_that_is_not_there_is_said_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: nobody else takes the port
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        begun = time.monotonic()
        with pytest.raises(EndpointFailed, match=r"cannot be reached: .*; check source\.url"):
            _ask(url)
    assert time.monotonic() - begun < 2


def test_a_connection_that_is_lost_later_is_made_again() -> None:
    with speaking(lambda _: completion("ok")) as speaker:
        # A body that ends before its announced length: the connection is lost in mid-answer.
        speaker.replies = [completion("ok"), Reply(200, b"{", {"Content-Length": "99", "Connection": "close"})]
        answers, retries = _ask(speaker.url, prompts=2, longest_wait_s=0.05)
    assert ([a.text for a in answers], retries) == (["ok", "ok"], 1)


def test_the_key_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with speaking(lambda _: Reply(422, f"key {KEY} is odd".encode())) as speaker:
        answers, _ = _ask(speaker.url)
        assert answers == [Answer("", 0, 0, refusal="status 422: key *** is odd")]
        speaker.answer = lambda _: Reply(200, KEY.encode())
        with pytest.raises(EndpointFailed) as failure:
            _ask(speaker.url)
    assert KEY not in failure.value.message + repr(failure.value.context) + caplog.text
    assert speaker.keys == [f"Bearer {KEY}"] * 2


@pytest.mark.parametrize("value", [None, "", "  ", "two words", "line\nbreak", "ключ"])
def test_no_key_is_an_error_that_shows_nothing(value: str | None) -> None:
    environment = {} if value is None else {"MY_KEY": value}
    with pytest.raises(ConfigError) as failure:
        read_key("MY_KEY", environment)
    assert "MY_KEY" not in failure.value.message
    assert not (value or "").strip() or str(value) not in failure.value.message
    assert read_key(None, environment) is None
    assert read_key("MY_KEY", {"MY_KEY": "abc\n"}) == "abc"


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after("7") == 7
    soon = retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True))
    assert soon is not None and 27 < soon <= 30
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    for nonsense in (None, "", "soon", "-3", "nan", "1e9"):
        assert retry_after(nonsense) is None
