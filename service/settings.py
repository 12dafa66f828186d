"""Settings of the server: a TOML file, over it `TANDEM_SECTION__FIELD` in the environment, over it the caller's own."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bundle.config import Config
from bundle.errors import ConfigError
from bundle.session import SessionConfig


class ServerSettings(Config):
    """Where the server listens."""

    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 opens it to the network.")
    port: int = Field(default=8080, ge=0, le=65535, description="TCP port; 0 takes a free one.")
    workers: int = Field(default=1, ge=1, description="Server processes; each maps the same index files.")
    keep_alive_s: int = Field(default=65, ge=1, description="Seconds that an idle connection is kept.")
    tls_certificate: Path | None = Field(default=None, description="PEM file of the certificate chain; turns TLS on.")
    tls_key: Path | None = Field(default=None, description="PEM file of the certificate's private key.")
    drain_notice_s: float = Field(
        default=1.0,
        ge=0,
        description="Seconds from SIGTERM on in which requests are still taken while /readyz answers 503, so that load "
        "balancers and open connections go elsewhere; not below the interval of the load balancer's check.",
    )
    drain_s: int = Field(default=30, ge=0, description="Seconds that open requests have to finish on shutdown.")

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together; give both or neither")
        return self


class LimitSettings(Config):
    """What one request may ask for; more is refused, never cut."""

    max_body_bytes: int = Field(default=4_194_304, ge=1, description="Bytes of a request body.")
    max_batch: int = Field(default=256, ge=1, description="Records, vectors or item ids in one request.")
    max_k: int = Field(default=1000, ge=10, description="Hits a query; not below the 10 of a request that names no k.")
    max_depth: int = Field(default=5000, ge=1, description="Candidates a query before exact rescoring.")
    max_rerank_items: int = Field(default=1000, ge=1, description="Items of one rerank request.")
    max_reranked_pairs: int = Field(
        default=200,
        ge=1,
        description="Pairs of a query and an item that one request may have a cross-encoder score; MiniLM takes some "
        "20 ms of a processor core for a short pair, and the deadline stands.",
    )
    max_list: int = Field(
        default=1000,
        ge=100,
        description="Items listed under one semantic ID or prefix; not below the default k of 100.",
    )
    max_hits: int = Field(
        default=30_000,
        ge=1,
        description="Hits of one request over all its queries, counted as queries x max(k, depth), and as semantic "
        "IDs x k; not below max_k, max_depth and max_list.",
    )

    max_filter_depth: int = Field(default=8, ge=1, description="Filters within filters.")
    max_filter_conditions: int = Field(default=64, ge=1, description="Conditions of a filter, on all levels.")
    max_filter_values: int = Field(default=4096, ge=1, description="Values and item ids that a filter compares.")

    @model_validator(mode="after")
    def _one_query_fits(self) -> Self:
        for name in ("max_k", "max_depth", "max_list"):
            if getattr(self, name) > self.max_hits:
                raise ValueError(f"max_hits is {self.max_hits}, but {name} allows one query {getattr(self, name)}")
        return self


class RerankSettings(Config):
    """What becomes of a search whose reranker fails."""

    on_failure: Literal["first_stage", "error"] = Field(
        default="first_stage",
        description="Where a cross-encoder fails, or its budget does not suffice, and the request does not say: "
        "`first_stage` answers with the order of the first stage and says so as `degraded`, `error` with a problem.",
    )


class BatchingSettings(Config):
    """How waiting requests of one collection are joined; nobody ever waits for a batch to fill."""

    threads: int = Field(default=1, ge=1, description="Worker threads a collection; more only for heavy towers.")
    max_records: int = Field(default=32, ge=1, description="Records joined into one run of a tower.")
    max_tokens: int = Field(
        default=512,
        ge=1,
        description="Tokens joined into one run: of a tower that reads word pieces a quarter of the characters of a "
        "record's texts, of any other tower 1 a record. On a CPU more gain nothing and delay each other; raise it on a "
        "GPU.",
    )
    inline_us: int = Field(
        default=500,
        ge=0,
        description="Microseconds of CPU that a search by vectors may take, as measured when a version is loaded, to "
        "be done by the event loop without a worker thread; 0 sends every search to one, as an index larger than "
        "memory needs.",
    )
    max_pending_records: int = Field(default=2048, ge=1, description="Records admitted before 429 is answered.")
    deadline_s: float = Field(default=10.0, gt=0, description="Seconds until a request is answered with 504.")
    retry_after_s: int = Field(default=1, ge=1, description="Seconds named in Retry-After when overloaded.")


class ReloadSettings(Config):
    """How a newly activated index version is taken up."""

    poll_seconds: float = Field(default=0.5, gt=0, description="Seconds between looks at every CURRENT file.")
    warm_searches: int = Field(default=20, ge=0, description="Searches run on a new version before it serves.")
    retry_seconds: float = Field(default=30.0, gt=0, description="Seconds until a version that failed is tried again.")
    activate_timeout_s: float = Field(default=60.0, gt=0, description="Seconds that an activate request waits.")
    verify: bool = Field(default=True, description="Whether every file is hashed before it is served.")


class LiveRecallSettings(Config):
    """How real searches are checked against exact search, in the background."""

    core_share: float = Field(
        default=0.01, ge=0, le=0.5, description="Share of one core that checking may take; 0 checks nothing."
    )


class ShadowSettings(Config):
    """How a candidate version is tried on real searches, in the background."""

    core_share: float = Field(
        default=0.05, ge=0, le=0.5, description="Share of one core that all trials may take; 0 tries nothing."
    )


class SecuritySettings(Config):
    """Who may ask, and who may change what is served."""

    admin_key: SecretStr | None = Field(
        default=None, min_length=16, description="A key that may do everything; the one key where there is no file."
    )
    keys_file: Path | None = Field(
        default=None,
        description="File of API keys that `tandem keys` writes; every request then needs one of them. Read again when "
        "it changes.",
    )


class CompatSettings(Config):
    """What the routes in the shapes of OpenAI, Cohere and text-embeddings-inference answer with.

    A model is a tower that reads text: `collection` is its query tower, `collection/item` its item tower.
    """

    default_model: str | None = Field(
        default=None,
        description="Model where a request names none, as those in the shape of text-embeddings-inference never do; "
        "may be unset while one collection is served.",
    )
    text_features: dict[str, str] = Field(
        default_factory=dict,
        description="Feature that takes the text, by model; needed where a tower has several text features.",
    )


class TraceSettings(Config):
    """Where spans of requests are sent; needs the extra `traces`."""

    endpoint: str | None = Field(
        default=None,
        pattern="^https?://",
        description="OTLP/HTTP address of a collector, such as http://localhost:4318/v1/traces; nothing is traced "
        "without. Its headers, where it wants some, are taken from OTEL_EXPORTER_OTLP_HEADERS.",
    )
    sample_share: float = Field(
        default=0.01, ge=0, le=1, description="Share of the requests traced whose caller sends no `traceparent`."
    )


class LogSettings(Config):
    """What is logged, as JSON lines on stderr; records and queries never are."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")
    requests: bool = Field(default=True, description="Whether every request is logged as one line.")


class Settings(BaseSettings):
    """All settings of the server."""

    model_config = SettingsConfigDict(env_prefix="TANDEM_", env_nested_delimiter="__", frozen=True, extra="forbid")

    workspace: Path = Field(default=Path("workspace"), description="Folder that holds the collections.")
    server: ServerSettings = Field(default=ServerSettings(), description="Where the server listens.")
    limits: LimitSettings = Field(default=LimitSettings(), description="What one request may ask for.")
    rerank: RerankSettings = Field(default=RerankSettings(), description="What becomes of a failed reranker's search.")
    batching: BatchingSettings = Field(default=BatchingSettings(), description="How requests are joined.")
    reload: ReloadSettings = Field(default=ReloadSettings(), description="How new versions are taken up.")
    live_recall: LiveRecallSettings = Field(
        default=LiveRecallSettings(), description="How real searches are checked against exact search."
    )
    shadow: ShadowSettings = Field(default=ShadowSettings(), description="How a candidate version is tried.")
    security: SecuritySettings = Field(default=SecuritySettings(), description="Who may ask and who may change.")
    compat: CompatSettings = Field(default=CompatSettings(), description="What other services' routes answer with.")
    logs: LogSettings = Field(default=LogSettings(), description="What is logged.")
    traces: TraceSettings = Field(default=TraceSettings(), description="Where spans of requests are sent.")
    session: SessionConfig = Field(default=SessionConfig(), description="How the towers run.")
    index_device: Literal["cpu", "cuda", "cuda-shards"] = Field(
        default="cpu",
        description="Device of the index; `cuda` puts a copy on every GPU in sight, `cuda-shards` a part on each.",
    )

    def redacted(self) -> dict[str, Any]:
        """Every setting with secrets masked, as it may be printed."""
        return self.model_dump(mode="json")


def load_settings(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read settings: `overrides` before the environment before the TOML file at `path` before the defaults.

    Raises ConfigError that names every wrong key.
    """
    if path is not None and not path.is_file():
        raise ConfigError(f"cannot read the config file {path}: no such file", path=str(path))

    class _FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, path)

    try:
        return _FromFile(**(overrides or {}))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", path=str(path)) from error
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc'])) or '(whole file)'}: {e['msg']}" for e in error.errors()]
        source = str(path) if path else "the environment"
        raise ConfigError(f"{source} has wrong settings:\n" + "\n".join(lines), source=source) from error
