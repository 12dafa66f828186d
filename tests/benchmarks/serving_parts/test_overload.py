import pytest

from benchmarks.serving_parts.load import LOST, Answers
from benchmarks.serving_parts.overload import refusals, shares


def test_what_is_neither_answered_refused_nor_expired_stands_out() -> None:
    answers = Answers(status=[200, 200, 429, 504, 500, LOST, 200, 200, 200, 200], latency_s=[0.01] * 10)
    assert shares(answers) == {
        "share_ok": 0.6,
        "share_refused": 0.1,
        "share_expired": 0.1,
        "share_other": pytest.approx(0.2),
    }


def test_only_refusals_are_held_against_their_limit() -> None:
    answers = Answers(status=[429, 200, 429, 429, 429], latency_s=[0.01, 9.0, 0.02, 0.05, 0.06])
    found = refusals(answers)
    assert found["refused_within_50_share"] == 0.75
    assert found["refused_max_ms"] == pytest.approx(60)
    assert refusals(Answers(status=[200], latency_s=[1.0])) == {}
