"""Whether requests are traced: OpenTelemetry is imported only where an endpoint is set, and is an extra of its own."""

from typing import TYPE_CHECKING

from bundle.errors import ConfigError
from service.settings import TraceSettings

if TYPE_CHECKING:
    from service.request_spans import RequestSpans


def check_traces(settings: TraceSettings) -> None:
    """Raise ConfigError where an endpoint is set and the extra `traces` is not installed."""
    if settings.endpoint is None:
        return
    try:
        import service.request_spans  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"traces.endpoint is set, but {error.name} is not installed; run `pip install 'tandem-retrieval[traces]'`, "
            "or take the setting out"
        ) from error


def open_traces(settings: TraceSettings) -> "RequestSpans | None":
    """What makes spans of requests, or None where no endpoint is set; raises what `check_traces` raises."""
    check_traces(settings)
    if settings.endpoint is None:
        return None
    from service.request_spans import RequestSpans, exporting

    return RequestSpans(exporting(settings.endpoint), settings.sample_share)
