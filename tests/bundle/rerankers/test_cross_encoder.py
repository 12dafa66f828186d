"""The served cross-encoder over a graph that counts shared words."""

from pathlib import Path

import numpy as np
import pytest

from bundle.errors import BundleCorrupt, InvalidRecord
from bundle.rerankers.contract import Reranker
from bundle.rerankers.cross_encoder import joined_text
from bundle.session import SessionConfig
from bundle.store import ITEM_TOWER, RERANKER, open_bundle
from bundle.workspace import Workspace
from tests.tiny import tiny_bundle
from tests.tiny_reranker import MODEL, tiny_spec, tiny_tokenizers, write_reranker
from tests.training.tiny_model import WORDS


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> Reranker:
    folder = tmp_path_factory.mktemp("bundle")
    write_reranker(folder)
    return tiny_spec("text", ["title", "body"]).open(folder / RERANKER, tiny_tokenizers()[MODEL], SessionConfig())


def test_scores_are_those_of_each_pair_whatever_its_batch(reranker: Reranker) -> None:
    rng = np.random.default_rng(0)
    items = [{"title": " ".join(rng.choice(WORDS, size=size))} for size in rng.integers(0, 20, 90)]
    scores_M = reranker.score({"text": "red blue lamp"}, items)
    words = [str(item["title"]).split() for item in items]
    # The separator after each part is shared by all pairs, and counts among the words of the item.
    expected = [1 + sum(word in ("red", "blue", "lamp") for word in one) - 0.01 * (len(one) + 1) for one in words]
    np.testing.assert_allclose(scores_M, expected, atol=1e-5)
    assert scores_M.dtype == np.float32
    for place in (0, 41, 89):
        assert reranker.score({"text": "red blue lamp"}, [items[place]])[0] == scores_M[place]
    assert reranker.score({"text": "red"}, []).shape == (0,)


def test_pairs_are_scored_in_parts_and_say_what_they_will_take(tmp_path: Path) -> None:
    write_reranker(tmp_path)
    reranker = tiny_spec("text", ["title"]).open(tmp_path / RERANKER, tiny_tokenizers()[MODEL], SessionConfig())
    items = [{"title": title} for title in ("red mug", "blue", "red red red lamp", "old chair")]
    pairs = reranker.pairs({"text": "red"}, items)
    assert pairs.expected_s(np.arange(4)) is None
    whole_M = reranker.score({"text": "red"}, items)
    np.testing.assert_array_equal(pairs.score(np.array([2, 0])), whole_M[[2, 0]])
    one, other, both = (pairs.expected_s(np.array(places)) for places in ([1], [2], [1, 2]))
    assert one is not None and other is not None and both is not None
    assert 0 < one < other  # three more words
    assert both == pytest.approx(2 * other)  # the shorter one is padded


def test_warming_up_measures_what_a_pair_takes(tmp_path: Path) -> None:
    write_reranker(tmp_path)
    reranker = tiny_spec("text", ["title"]).open(tmp_path / RERANKER, tiny_tokenizers()[MODEL], SessionConfig())
    reranker.warm_up()
    seconds = reranker.pairs({"text": "red"}, [{"title": "mug"}]).expected_s(np.arange(1))
    assert seconds is not None and seconds > 0


def test_fields_are_joined_and_missing_ones_left_out(reranker: Reranker) -> None:
    assert joined_text({"title": "red", "body": None, "year": 1999}, ("year", "body", "title", "colour")) == "1999 red"
    both, title = reranker.score(
        {"text": "red lamp"}, [{"title": "red", "body": "lamp"}, {"title": "red", "body": None}]
    )
    assert both == pytest.approx(title + 1 - 0.01)


def test_what_it_cannot_read_is_refused(reranker: Reranker) -> None:
    with pytest.raises(InvalidRecord, match="no text for the cross-encoder; give at least one of: text"):
        reranker.check_query({"text": " "})
    with pytest.raises(InvalidRecord, match="no text for the cross-encoder"):
        reranker.score({"title": "red"}, [{"title": "red"}])
    with pytest.raises(InvalidRecord, match="reads text, but one of title, body is list"):
        reranker.score({"text": "red"}, [{"title": ["red"]}])


def test_another_graph_is_refused(tmp_path: Path) -> None:
    collection = Workspace(tmp_path).collection("shop")
    folder = collection.bundle(tiny_bundle(collection))
    assert open_bundle(collection, folder.name).reranker is None
    with pytest.raises(
        BundleCorrupt, match=r"item_tower\.onnx reads title, but a cross-encoder reads tokens and parts"
    ):
        tiny_spec("text", ["title"]).open(folder / ITEM_TOWER, tiny_tokenizers()[MODEL], SessionConfig())
