import time

from service.stages import Stages


def test_a_stage_lasts_from_mark_to_mark_and_may_come_twice() -> None:
    stages = Stages()
    time.sleep(0.002)
    stages.mark("search")
    first = stages["search"]
    assert first >= 0.002
    stages.mark("write")
    time.sleep(0.001)
    stages.mark("search")
    assert list(stages) == ["search", "write"] and stages["search"] >= first + 0.001


def test_what_is_told_of_them_is_in_milliseconds() -> None:
    stages = Stages()
    stages |= {"search": 0.0012344, "write": 0.00002}
    assert stages.milliseconds == {"search": 1.234, "write": 0.02}
    assert stages.server_timing == b"search;dur=1.234, write;dur=0.02"
