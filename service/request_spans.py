"""A span for every request that is sampled, with its stages below it, made when the request is over.

The caller's `traceparent` (W3C Trace Context) decides where it sends one; the share decides for the rest. Only
service/traces.py imports this, so that nothing of OpenTelemetry is loaded where nobody asked for it.
"""

import random
import time
from collections.abc import Iterator

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import DEFAULT_ON
from opentelemetry.trace import (
    Span,
    SpanKind,
    StatusCode,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service.call import Call
from service.release import RELEASE

UNTRACED = frozenset({"livez", "readyz", "health", "metrics", "console"})  # asked by machines, again and again
EXPORT_SECONDS = 5.0
_CONTEXT_HEADERS = (b"traceparent", b"tracestate")


class RequestSpans:
    """Makes the spans of finished requests; owns the provider. Used from one event loop."""

    def __init__(self, provider: TracerProvider, sample_share: float) -> None:
        """`sample_share`: share of the requests without a `traceparent` that get spans."""
        self.sample_share = sample_share
        self._provider = provider
        self._tracer = provider.get_tracer("tandem", RELEASE)
        self._propagator = TraceContextTextMapPropagator()

    def finished(self, call: Call) -> None:
        """Make the spans of an answered request, and note the ids in `call` where it is part of a trace."""
        if call.route in UNTRACED:
            return
        parent = self._parent(call)
        caller = get_current_span(parent).get_span_context()
        if caller.is_valid:
            call.trace_id = format_trace_id(caller.trace_id)
        if caller.trace_flags.sampled if caller.is_valid else random.random() < self.sample_share:
            self._make(call, parent)

    def close(self) -> None:
        """Send what is waiting, within seconds, and end; to be called off the event loop."""
        self._provider.shutdown()

    def _parent(self, call: Call) -> Context:
        headers = dict(call.headers)
        found = {name.decode(): headers[name].decode("latin-1") for name in _CONTEXT_HEADERS if name in headers}
        return self._propagator.extract(found, Context())

    def _make(self, call: Call, parent: Context) -> None:
        now, now_ns = time.perf_counter(), time.time_ns()

        def at(moment: float) -> int:
            return now_ns - int((now - moment) * 1e9)

        span = self._tracer.start_span(call.route, parent, SpanKind.SERVER, start_time=at(call.started))
        _describe(span, call)
        below = set_span_in_context(span, parent)
        for stage, begun, ended in laid_out(call):
            self._tracer.start_span(stage, below, start_time=at(begun)).end(at(ended))
        span.end(now_ns)
        context = span.get_span_context()
        call.trace_id, call.span_id = format_trace_id(context.trace_id), format_span_id(context.span_id)


def exporting(endpoint: str) -> TracerProvider:
    """A provider that sends spans to an OTLP/HTTP endpoint from a thread of its own, and drops what it cannot hold."""
    resource = Resource.create({"service.name": "tandem", "service.version": RELEASE})
    provider = TracerProvider(sampler=DEFAULT_ON, resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint, timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def laid_out(call: Call) -> Iterator[tuple[str, float, float]]:
    """Every stage with its begin and end by time.perf_counter; a stage of a joined run begins no sooner than the call.

    A batch adds up the time of each stage, so stages are laid end to end, back from when the last one ended.
    """
    if call.stages is None:
        return
    stages = list(call.stages.items())
    begun = call.stages.ended - sum(seconds for _, seconds in stages)
    for name, seconds in stages:
        ended = begun + seconds
        yield name, max(begun, call.started), max(ended, call.started)
        begun = ended


def _describe(span: Span, call: Call) -> None:
    told: dict[str, str | int | None] = {
        "http.response.status_code": call.status,
        "url.path": call.path,
        "error.type": call.failure_code,
        "tandem.request_id": call.request_id,
        "tandem.collection": call.collection,
        "tandem.bundle_id": call.bundle_id,
        "tandem.index_version": call.index_version,
        "tandem.k": call.k,
        "tandem.records": call.records,
    }
    span.set_attributes({name: value for name, value in told.items() if value is not None})
    if call.status >= 500:
        span.set_status(StatusCode.ERROR, call.failure_code)
