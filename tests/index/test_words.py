import math

import numpy as np
import pyarrow as pa

from index.words import ItemWords, count_words, distinguishing_words, read_words


def words_of(texts: list[str | None]) -> list[list[str]]:
    words = read_words([pa.chunked_array([texts])])
    return [[words.vocabulary[w] for w in words.word_T[words.item_T == item]] for item in range(len(texts))]


def test_words_are_lower_case_each_once_an_item_and_no_numbers() -> None:
    found = words_of(["RED Mug, red! 12 4x a", "red été mug", None, "ÉTÉ x11", "x11"])
    assert found == [["red", "mug"], ["red", "été", "mug"], [], ["été", "x11"], ["x11"]]


def test_several_columns_and_none_are_read() -> None:
    one, other = pa.chunked_array([["red mug", "lamp"]]), pa.chunked_array([["lamp", "red"]])
    assert read_words([one, other]).vocabulary == ["lamp", "red"]
    assert len(read_words([]).word_T) == 0


def test_the_ratio_is_dunnings_and_only_more_frequent_words_count() -> None:
    # Group 0: 4 of 10 items. "tea" stands in 3 of them and in 1 of the other 6; "mug" in all ten; "lamp" in 6 others.
    texts = ["tea mug", "tea mug", "tea mug", "mug", "tea mug lamp", *["mug lamp"] * 5]
    words = read_words([pa.chunked_array([texts])])
    inner = count_words(words, np.array([0] * 4 + [1] * 6))
    outer = count_words(words, np.zeros(10, dtype=np.int64))
    groups, best = distinguishing_words(inner, outer, np.array([4, 6]), np.array([10]), np.array([0, 0]), limit=5)
    assert [(g, words.vocabulary[w]) for g, w in zip(groups.tolist(), best.tolist(), strict=True)] == [
        (0, "tea"),
        (1, "lamp"),
    ]


def test_a_word_of_the_group_alone_stands_above_one_that_others_have_too() -> None:
    texts = ["tea cup"] * 5 + ["cup"] + ["lamp"] * 20
    words = read_words([pa.chunked_array([texts])])
    inner = count_words(words, np.array([0] * 5 + [1] * 21))
    outer = count_words(words, np.zeros(26, dtype=np.int64))
    groups, best = distinguishing_words(inner, outer, np.array([5, 21]), np.array([26]), np.array([0, 0]), limit=1)
    assert [words.vocabulary[w] for w in best[groups == 0]] == ["tea"]


def test_the_likelihood_ratio_by_hand() -> None:
    from index.words import _log_likelihood_ratio

    three_of_four, one_of_six, all_of_ten = (
        3 * math.log(0.75) + math.log(0.25),
        math.log(1 / 6) + 5 * math.log(5 / 6),
        4,
    )
    single = all_of_ten * math.log(0.4) + 6 * math.log(0.6)
    ratio = _log_likelihood_ratio(np.array([3]), np.array([1]), np.array([4]), np.array([6]))
    np.testing.assert_allclose(ratio, 2 * (three_of_four + one_of_six - single))


def test_items_are_counted_by_group_and_word() -> None:
    words = ItemWords(np.array([0, 1, 2, 2]), np.array([0, 0, 0, 1]), ["a", "b"])
    counts = count_words(words, np.array([0, 0, 1]))
    assert dict(zip(counts.pair_W.tolist(), counts.count_W.tolist(), strict=True)) == {0: 2, 2: 1, 3: 1}
