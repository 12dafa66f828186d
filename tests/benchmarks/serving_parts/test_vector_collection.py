from pathlib import Path

import orjson

from benchmarks.serving_parts.load import in_client
from benchmarks.serving_parts.open_loop import OpenLoop
from benchmarks.serving_parts.server import serving
from benchmarks.serving_parts.swaps import MIXED, PREFIXES, publishing, which_version
from benchmarks.serving_parts.vector_collection import (
    SEARCH_PATH,
    TARGET_RECALL,
    manifest_of,
    queries,
    vector_collection,
)
from benchmarks.serving_parts.vector_search import forms_of, taken_forms
from benchmarks.serving_parts.watch import Held
from index.store import list_versions


def test_a_server_over_two_versions_is_asked_in_every_form_while_they_are_swapped(tmp_path: Path) -> None:
    collection = vector_collection(tmp_path, 500, 16, PREFIXES)
    assert len(list_versions(collection)) == 2
    assert manifest_of(collection).recall.recall >= TARGET_RECALL
    with serving(collection.folder.parents[1], {"reload": {"poll_seconds": 0.05}}) as server:
        assert server.ready_s > 0 and server.ready_cpu_s > 0
        assert server.post(SEARCH_PATH, orjson.dumps({"vectors": []}))[0] == 422
        forms = taken_forms(server, forms_of(queries(16, 20)))
        assert {"json", "base64"} <= set(forms)
        requests = server.requests(forms["json"].path, forms["json"].bodies)
        answers, cpu_us = server.closed_loop(requests, 4, 100)
        assert len(answers.status) == 100 and cpu_us >= 0
        load = OpenLoop(server.port, requests, rate=100, seconds=1.5, connections=4, look=which_version(collection))
        with publishing(collection, 0.4) as published:
            swapped = in_client(load)
        assert swapped.failed == 0 and len(published) >= 2
        assert set(swapped.note) == {1, 2} and MIXED not in swapped.note
        assert server.metric("tandem_swaps_total") >= 2
        held = Held.by(server)
    assert held.rss_mb > 50 and held.open_files > 3 and held.threads > 1
    log = (collection.folder.parents[1] / "server.log").read_text()
    assert log.count('"event":"request"') >= 100 + len(swapped.status)
