"""Spans of real requests, received by a collector that listens."""

import contextlib
import http.server
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from service.call import Call
from service.request_spans import UNTRACED
from service.settings import TraceSettings
from service.traces import open_traces
from tests.service.conftest import settings_for
from tests.service.running import listening

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"


class Collector:
    """What an OTLP/HTTP collector got."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    for scope in resource.scope_spans:
                        collector.spans.extend(scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}/v1/traces"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def _traced(root: Path, sample_share: float) -> Iterator[tuple[str, list[Span]]]:
    """A server whose spans are complete after the block."""
    collector = Collector()
    try:
        traces = {"endpoint": collector.endpoint, "sample_share": sample_share}
        with listening(settings_for(root, traces=traces, logs={"requests": True})) as url:
            yield url, collector.spans
    finally:
        collector.close()


def _attributes(span: Span) -> dict[str, object]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in span.attributes}


def test_a_request_is_a_span_with_its_stages_below_it(shop_root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with _traced(shop_root, 0) as (url, spans):
        body = {"queries": [{"text": "red mug"}, {"text": "lamp"}], "k": 3}
        search = f"{url}/v1/collections/shop/search"
        answer = httpx.post(search, json=body, headers={"traceparent": f"{CALLER}01"})
        assert answer.status_code == 200
        httpx.post(search, json=body)  # nobody asks for a trace, and none is drawn
        httpx.post(search, json=body, headers={"traceparent": f"{CALLER}00"})  # the caller drew, and not this one
    (request,) = [span for span in spans if span.kind == Span.SPAN_KIND_SERVER]
    assert request.trace_id.hex() == CALLER[3:35] and request.parent_span_id.hex() == CALLER[36:52]
    told = _attributes(request)
    assert (told["tandem.collection"], told["tandem.k"], told["tandem.records"]) == ("shop", 3, 2)
    assert (told["http.response.status_code"], request.status.code) == (200, Status.STATUS_CODE_UNSET)
    assert told["tandem.request_id"] == answer.headers["x-request-id"]
    assert told["tandem.index_version"] == answer.json()["index_version"]
    stages = [span for span in spans if span.parent_span_id == request.span_id]
    assert [span.name for span in stages] == ["queue", "featurize", "encode", "search", "write"]
    assert len(spans) == 1 + len(stages)
    for span in stages:
        assert request.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= request.end_time_unix_nano
    for before, after in itertools.pairwise(stages):
        assert abs(after.start_time_unix_nano - before.end_time_unix_nano) <= 2
    lines = [line for line in capfd.readouterr().err.splitlines() if '"route":"search"' in line]
    ids = [('"trace_id":"4bf92f' in line, f'"span_id":"{request.span_id.hex()}"' in line) for line in lines]
    assert ids == [(True, True), (False, False), (True, False)]


def test_a_share_of_1_traces_all_but_what_machines_ask(shop_root: Path) -> None:
    with _traced(shop_root, 1) as (url, spans):
        httpx.get(f"{url}/v1/collections")
        for route in UNTRACED:
            httpx.get(f"{url}/{route}")
        httpx.post(f"{url}/v1/collections/shop/search", json={"item_ids": ["nobody"]})
        httpx.post(f"{url}/v1/collections/shop/search", content=b"{", headers={"traceparent": "nonsense"})
    requests = [span for span in spans if span.kind == Span.SPAN_KIND_SERVER]
    assert [span.name for span in requests] == ["list_collections", "search", "search"]
    assert [_attributes(span).get("error.type") for span in requests] == [None, "unknown-item", "invalid-request"]
    assert {span.status.code for span in requests} == {Status.STATUS_CODE_UNSET}  # the caller's faults, not ours
    assert len({span.trace_id for span in requests}) == 3


def test_a_failure_of_the_server_marks_its_span(tmp_path: Path) -> None:
    collector = Collector()
    spans = open_traces(TraceSettings(endpoint=collector.endpoint, sample_share=1))
    assert spans is not None
    call = Call([], "/v1/x")
    call.status, call.failure_code = 504, "deadline-exceeded"
    spans.finished(call)
    spans.close()
    collector.close()
    (span,) = collector.spans
    assert (span.status.code, span.status.message) == (Status.STATUS_CODE_ERROR, "deadline-exceeded")


def test_a_collector_that_is_down_delays_nobody(shop_root: Path) -> None:
    traces = {"endpoint": "http://127.0.0.1:9/v1/traces", "sample_share": 1.0}
    with listening(settings_for(shop_root, traces=traces)) as url:
        assert httpx.post(f"{url}/v1/collections/shop/search", json={"item_ids": ["a-00001"]}).status_code == 200
