import io
import logging
import os
from pathlib import Path

import orjson
import pytest

from service.call import Call
from service.logs import JsonFormatter, RequestLog
from service.stages import Stages


def test_records_become_json_with_their_extra_fields() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    log = logging.Logger("test")
    log.addHandler(handler)
    log.warning("version %s loaded", "v1", extra={"collection": "shop"})
    try:
        raise ValueError("why")
    except ValueError:
        log.exception("failed")
    first, second = map(orjson.loads, stream.getvalue().splitlines())
    assert (first["event"], first["collection"], first["level"]) == ("version v1 loaded", "shop", "warning")
    assert "ValueError: why" in second["exception"]


def test_requests_leave_one_line_each(tmp_path: Path) -> None:
    path = tmp_path / "log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    log = RequestLog(descriptor)
    log.start()
    for i in range(3):
        call = Call([(b"x-request-id", b"id-%d" % i)], "/")
        call.route, call.status, call.stages = "search", 200, Stages()
        call.stages["encode"] = 0.001
        log.write(call)
    log.close()
    os.close(descriptor)
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert [line["request_id"] for line in lines] == ["id-0", "id-1", "id-2"]
    assert lines[0]["stages_ms"] == {"encode": 1.0}
    assert lines[0]["route"] == "search"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_drops_lines_and_goes_on() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    log = RequestLog(descriptor)
    log.start()
    log.write(Call([], "/"))
    log.close()
    os.close(descriptor)
    assert log.dropped == 1


def test_too_many_waiting_lines_drop_the_oldest() -> None:
    log = RequestLog(descriptor=-1, capacity=2)
    for _ in range(5):
        log.write(Call([], "/"))
    assert log.dropped == 3
