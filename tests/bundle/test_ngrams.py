import zlib

from bundle.features import TextFeature
from bundle.ngrams import ngram_hasher

FEATURE = TextFeature(name="title", buckets=1000, max_words=3)


def _bucket(gram: str) -> int:
    return 1 + zlib.crc32(gram.encode()) % 1000


def test_a_word_gives_itself_and_its_grams_by_hand() -> None:
    expected = ["w:mug", "<mu", "mug", "ug>", "<mug", "mug>"]
    assert ngram_hasher(FEATURE)("Mug!").tolist() == [_bucket(gram) for gram in expected]


def test_repeats_are_kept_and_order_is_reading_order() -> None:
    buckets = ngram_hasher(FEATURE)
    assert buckets("mug cup mug").tolist() == [*buckets("mug"), *buckets("cup"), *buckets("mug")]


def test_words_past_the_limit_are_not_read() -> None:
    buckets = ngram_hasher(FEATURE)
    assert buckets("a b c d").tolist() == buckets("a b c").tolist()


def test_a_text_without_words_has_no_buckets() -> None:
    assert ngram_hasher(FEATURE)(" ?! ").tolist() == []


def test_a_word_without_end_is_cut() -> None:
    buckets = ngram_hasher(FEATURE)
    assert buckets("a" * 100_000).tolist() == buckets("a" * 64).tolist()
