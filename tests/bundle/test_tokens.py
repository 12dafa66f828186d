from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bundle.errors import BundleCorrupt, ConfigError, InvalidRecord
from bundle.features import TokensFeature, text_columns, token_models
from bundle.featurize import Featurizer
from bundle.tokens import TextTokenizer
from tests.training.tiny_model import PIECES, tokenizer_json

TOKENIZER = TextTokenizer(tokenizer_json(), "tiny.json")
CLS, SEP = PIECES.index("[CLS]") + 1, PIECES.index("[SEP]") + 1


def numbers(*pieces: str) -> list[int]:
    return [PIECES.index(piece) + 1 for piece in pieces]


def test_pieces_stand_between_the_special_tokens_and_are_shifted_by_one() -> None:
    ids = TOKENIZER.texts(32)("Red lampx")
    assert ids.tolist() == [CLS, *numbers("red", "lamp", "##x"), SEP]
    assert ids.dtype == np.int64


def test_the_file_s_own_limit_and_padding_do_not_count() -> None:
    text = "red blue steel garden paper lamp pan chair"
    assert len(TOKENIZER.texts(32)(text)) == 10  # the file says 7
    assert len(TOKENIZER.texts(32)("red")) == 3


def test_a_long_text_is_cut_before_the_last_special_token() -> None:
    ids = TOKENIZER.texts(5)("red blue steel garden paper")
    assert ids.tolist() == [CLS, *numbers("red", "blue", "steel"), SEP]
    huge = TOKENIZER.texts(5)("red " * 1_000_000)
    assert huge.tolist() == [CLS, *numbers("red", "red", "red"), SEP]


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\x00"])
def test_a_text_without_a_piece_is_empty(text: str) -> None:
    assert TOKENIZER.texts(8)(text).tolist() == []


def test_a_limit_without_room_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"max_tokens = 2 leaves no room beside the 2 special tokens of tiny\.json"):
        TOKENIZER.texts(2)
    with pytest.raises(ConfigError, match="3 special tokens"):
        TOKENIZER.pairs(3)


def test_pairs_say_whose_tokens_they_are_and_cut_the_longer_text_first() -> None:
    pairs = TOKENIZER.pairs(7)([("red", "blue steel"), ("red", "steel garden paper lamp pan"), ("cup", "")])
    assert pairs.token_NT.tolist() == [
        [CLS, *numbers("red"), SEP, *numbers("blue", "steel"), SEP, 0],
        [CLS, *numbers("red"), SEP, *numbers("steel", "garden", "paper"), SEP],
        [CLS, *numbers("cup"), SEP, SEP, 0, 0, 0],
    ]
    assert pairs.part_NT.tolist() == [[0, 0, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 0, 0, 0]]


@pytest.mark.parametrize("content", [b"{}", b"not json", tokenizer_json()[:-9], b"\xff\xfe"])
def test_a_damaged_tokenizer_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(BundleCorrupt, match=r"tokenizers/tiny\.json is not a tokenizer"):
        TextTokenizer(content, "tokenizers/tiny.json")


def test_a_feature_pads_with_zero_and_refuses_what_is_missing() -> None:
    feature = TokensFeature(name="title", model="tiny", max_tokens=8)
    free = Featurizer([feature.model_copy(update={"required": False})], {}, {}, {"tiny": TOKENIZER})
    assert free([{"title": "red lamp"}, {"title": "cup"}, {}])["title"].tolist() == [
        [CLS, *numbers("red", "lamp"), SEP],
        [CLS, *numbers("cup"), SEP, 0],
        [0, 0, 0, 0],
    ]
    strict = Featurizer([feature], {}, {}, {"tiny": TOKENIZER})
    for bad, says in (("", "is empty or has no word"), (None, "is empty"), (7, "must be text, but is int")):
        with pytest.raises(InvalidRecord, match=f"record 1, feature 'title': {says}"):
            strict.encode([{"title": "red"}, {"title": bad}])


def test_many_threads_get_the_bytes_that_one_gets() -> None:
    feature = TokensFeature(name="title", model="tiny", max_tokens=16)
    featurizer = Featurizer([feature], {}, {}, {"tiny": TOKENIZER})
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(PIECES[4:], 12)) for _ in range(200)]
    alone = [featurizer([{"title": text}])["title"].tobytes() for text in texts]
    together = featurizer([{"title": text} for text in texts])["title"]
    assert [np.trim_zeros(row, "b").tobytes() for row in together] == alone
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: featurizer([{"title": text}])["title"].tobytes(), texts * 5))
    assert found == alone * 5


def test_models_are_named_once_and_their_columns_are_texts() -> None:
    features = [
        TokensFeature(name="a", model="x"),
        TokensFeature(name="b", model="y"),
        TokensFeature(name="c", model="x"),
    ]
    assert token_models(features) == ["x", "y"]
    assert text_columns(features) == {"a", "b", "c"}
