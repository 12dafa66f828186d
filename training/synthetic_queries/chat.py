"""One question to an OpenAI-compatible endpoint: sent at its turn, repeated when that can help, refused when it cannot.

Repeated are the statuses 429 and 5xx, timeouts, and a connection that is lost once the endpoint has answered something.
`Retry-After` is honoured, else the waits grow from one to `longest_wait_s` seconds, drawn at random.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, Field, ValidationError, field_validator
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from bundle.config import Config
from bundle.errors import ConfigError
from training.errors import EndpointFailed
from training.synthetic_queries.pace import Pace

_SHOWN = 300  # characters of a foreign answer in a message


class ChatConfig(Config):
    """An OpenAI-compatible endpoint, the model, and how it is asked."""

    url: str = Field(description="Base of the endpoint, as in https://host/v1; '/chat/completions' is added.")
    model: str = Field(min_length=1, description="Name of the model there.")
    key_variable: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable that holds the key; none for an endpoint without one.",
    )
    temperature: float | None = Field(default=1.0, ge=0, description="Sampling temperature; not sent if none.")
    top_p: float | None = Field(default=None, gt=0, le=1, description="Nucleus sampling; not sent if unset.")
    max_tokens: int = Field(default=256, ge=1, description="Most tokens of an answer.")
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] = Field(
        default="max_tokens", description="What the endpoint calls that limit."
    )
    requests_per_minute: float | None = Field(
        default=None, gt=0, description="Most requests a minute; no limit if unset."
    )
    timeout_s: float = Field(default=60, gt=0, description="Seconds for one request, from start to end.")
    attempts: int = Field(default=6, ge=1, description="Times that one question is sent before the run stops.")
    longest_wait_s: float = Field(
        default=120, gt=0, description="Seconds of the longest wait; an endpoint that asks for more stops the run."
    )

    @field_validator("url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write the base of the endpoint, as in https://host/v1")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("no user, password or query may stand in the url; name the key's variable in key_variable")
        return value.rstrip("/")


@dataclass(frozen=True)
class Answer:
    """What came back. `refusal` says why the endpoint would not answer this prompt; token counts are None if untold.

    `cut`: the answer reached the most tokens before its end.
    """

    text: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    refusal: str | None = None
    cut: bool = False


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(default=0, ge=0)


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


class _Again(Exception):
    """This attempt failed in a way that another may not."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


def read_key(variable: str | None, environment: Mapping[str, str]) -> str | None:
    """The key out of the environment; ConfigError, which never shows a value, when it is not there or no key."""
    if variable is None:
        return None
    key = environment.get(variable, "").strip()
    if not key:
        # The name is not repeated: whoever writes the key itself there must not find it in a log.
        raise ConfigError("the environment variable that source.key_variable names is not set; export the key in it")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError("the environment variable that source.key_variable names holds no key: it has odd characters")
    return key


class Chat:
    """An open connection to the endpoint; use it as an async context. `retries` counts repeated attempts."""

    def __init__(self, config: ChatConfig, key: str | None, pace: Pace) -> None:
        self._config = config
        self._key = key
        self._pace = pace
        self._url = f"{config.url}/chat/completions"
        self._answered = False
        self._backoff = wait_random_exponential(multiplier=1, max=config.longest_wait_s)
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        # The whole request has one limit, `timeout_s`; httpx's own count each read apart.
        self._client = httpx.AsyncClient(headers=headers, timeout=None)
        self.retries = 0

    async def __aenter__(self) -> "Chat":
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._client.__aexit__(*error)

    async def ask(self, prompt: str) -> Answer:
        """The answer to one prompt; raises EndpointFailed, and Stopped when the run stops before it is sent."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_Again),
            stop=stop_after_attempt(self._config.attempts),
            wait=self._wait,
            sleep=self._pace.sleep,
            before_sleep=self._count,
            reraise=True,
        )
        try:
            return await retrying(self._once, prompt)
        except _Again as again:
            raise EndpointFailed(
                f"{self._url}: {again} in {self._config.attempts} attempts; every answer so far is kept, so go on with "
                "--resume later, or lower source.requests_per_minute and source.concurrency",
                url=self._url,
            ) from None

    async def _once(self, prompt: str) -> Answer:
        await self._pace.turn()
        try:
            async with asyncio.timeout(self._config.timeout_s):
                response = await self._client.post(self._url, json=self._body(prompt))
        except (TimeoutError, httpx.TimeoutException):
            raise _Again(f"no answer within {self._config.timeout_s:g} s") from None
        except httpx.TransportError as error:
            if self._answered:
                raise _Again("connection lost") from None
            raise EndpointFailed(
                f"{self._url} cannot be reached: {self._safe(str(error))}; check source.url and that it runs",
                url=self._url,
            ) from None
        if response.status_code == 429 or response.status_code >= 500:
            raise self._again(response)
        self._answered = True
        return self._read(response)

    def _body(self, prompt: str) -> dict[str, object]:
        config = self._config
        body: dict[str, object] = {"model": config.model, "messages": [{"role": "user", "content": prompt}]}
        sampling = {"temperature": config.temperature, "top_p": config.top_p, config.max_tokens_name: config.max_tokens}
        return body | {name: value for name, value in sampling.items() if value is not None}

    def _again(self, response: httpx.Response) -> Exception:
        after_s = retry_after(response.headers.get("retry-after"))
        if after_s is None:
            return _Again(f"status {response.status_code}")
        if after_s > self._config.longest_wait_s:
            return EndpointFailed(
                f"{self._url} answers {response.status_code} and asks to wait {after_s:.0f} s, longer than "
                "source.longest_wait_s; every answer so far is kept, so go on with --resume then",
                url=self._url,
            )
        self._pace.hold(after_s)
        return _Again(f"status {response.status_code}", after_s)

    def _wait(self, state: RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        after_s = failure.after_s if isinstance(failure, _Again) else None
        return self._backoff(state) if after_s is None else after_s

    def _count(self, _: RetryCallState) -> None:
        self.retries += 1

    def _read(self, response: httpx.Response) -> Answer:
        status, shown = response.status_code, self._safe(response.text)
        if status in (400, 413, 422):
            return Answer("", 0, 0, refusal=f"status {status}: {shown}")
        if status in (401, 403):
            raise EndpointFailed(
                f"{self._url} refuses the key (status {status}); check the variable that source.key_variable names",
                url=self._url,
                status=status,
            )
        if status != 200:
            raise EndpointFailed(
                f"{self._url} answers {status}: {shown}; check source.url and source.model",
                url=self._url,
                status=status,
            )
        try:
            completion = _Completion.model_validate_json(response.content)
        except ValidationError:
            raise EndpointFailed(
                f"{self._url} answers 200 with what is no chat completion: {shown}; check that source.url is the base "
                "of an OpenAI-compatible endpoint; every answer so far is kept",
                url=self._url,
            ) from None
        choice, usage = completion.choices[0], completion.usage
        return Answer(
            choice.message.content or "",
            None if usage is None else usage.prompt_tokens,
            None if usage is None else usage.completion_tokens,
            cut=choice.finish_reason == "length",
        )

    def _safe(self, text: str) -> str:
        """A foreign text for a message: short, on one line, without the key."""
        if self._key is not None:
            text = text.replace(self._key, "***")
        return " ".join(text.split())[:_SHOWN] or "(nothing)"


def retry_after(header: str | None) -> float | None:
    """Seconds that a `Retry-After` asks to wait, given as seconds or as a date (RFC 9110, 10.2.3); None if neither."""
    if header is None:
        return None
    try:
        return max(0.0, float(header)) if header.strip().isdigit() else _until(header)
    except (TypeError, ValueError):
        return None


def _until(date: str) -> float:
    return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
