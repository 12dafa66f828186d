import time

from benchmarks.index_parts.rebuild import INDEX_ITSELF, Cost, StepCpu, changed


def test_one_text_in_a_hundred_becomes_another() -> None:
    texts = [f"text {n}" for n in range(1_000)]
    after = changed(texts)
    assert sum(a != b for a, b in zip(texts, after, strict=True)) == 10
    assert after == changed(texts) != changed(texts, seed=1)


def test_cpu_is_counted_by_task_and_left_out_by_name() -> None:
    steps = StepCpu()
    for task in ("embed items", "build flat index", "embed items"):
        steps.start(task, None)
        until = time.process_time() + 0.01
        while time.process_time() < until:
            pass
        steps.finish()
    assert set(steps.seconds) == {"embed items", "build flat index"}
    assert steps.seconds["embed items"] >= 0.02 > 0.01 <= steps.seconds["build flat index"]
    cost = Cost(10.0, {"embed items": 2.0, "build flat index": 3.0, "measure index recall": 1.5})
    assert cost.without(INDEX_ITSELF) == 5.5
