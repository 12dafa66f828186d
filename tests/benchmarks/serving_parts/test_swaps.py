import orjson
import pytest

from benchmarks.serving_parts.load import Answers
from benchmarks.serving_parts.swaps import AFTERMATH_S, MIXED, WhichVersion, split_by_swaps, windows

LOOK = WhichVersion((b"v-1", b"v-2"), (b"item", b"twin"), k=2)


def answer(version: str, *item_ids: str) -> bytes:
    hits = [{"item_id": item_id, "score": 1.0} for item_id in item_ids]
    return b"HTTP/1.1 200 OK\r\n\r\n" + orjson.dumps({"index_version": version, "results": [{"hits": hits}]})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (answer("v-1", "item-1", "item-2"), 1),
        (answer("v-2", "twin-1", "twin-2"), 2),
        (answer("v-1", "item-1", "twin-2"), MIXED),
        (answer("v-2", "item-1", "item-2"), MIXED),
        (answer("v-1", "item-1"), MIXED),
        (answer("v-3", "item-1", "item-2"), MIXED),
    ],
)
def test_an_answer_is_whole_only_if_its_name_and_all_its_ids_are_of_one_version(body: bytes, expected: int) -> None:
    assert LOOK(body) == expected


def test_a_swap_lasts_from_its_publication_to_shortly_after_the_first_answer_of_the_new_version() -> None:
    answers = Answers(
        sent_s=[0.0, 1.0, 1.9, 2.0, 3.0, 9.0],
        latency_s=[0.1, 0.1, 0.2, 0.3, 0.1, 0.1],
        status=[200] * 6,
        note=[1, 1, 1, 2, 2, 2],
    )
    ((start, end),) = windows(answers, [1.5, 8.0])
    assert start == 1.5 and end == pytest.approx(2.3 + AFTERMATH_S)
    swapping, steady = split_by_swaps(answers, windows(answers, [1.5]))
    assert (swapping, steady) == ([0.2, 0.3], [0.1, 0.1, 0.1, 0.1])


def test_a_request_that_was_sent_before_a_swap_and_answered_in_it_counts_to_it() -> None:
    answers = Answers(sent_s=[0.0], latency_s=[2.0], status=[200], note=[1])
    assert split_by_swaps(answers, [(1.0, 3.0)]) == ([2.0], [])
    assert split_by_swaps(answers, [(2.5, 3.0)]) == ([], [2.0])
