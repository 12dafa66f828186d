from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundle.errors import BundleCorrupt, InvalidRecord
from bundle.features import TextFeature, TokensFeature
from bundle.featurize import Featurizer
from bundle.store import open_bundle
from bundle.tower import FloatArray, Tower
from bundle.workspace import Workspace
from tests.tiny import tiny_bundle
from tests.tiny_reranker import tiny_tokenizers
from tests.training.tiny_model import WORDS


@pytest.fixture
def tower(tmp_path: Path) -> Tower:
    collection = Workspace(tmp_path).collection("shop")
    return open_bundle(collection, tiny_bundle(collection)).query


def test_many_threads_give_the_serial_embeddings(tower: Tower) -> None:
    titles = [{"title": f"lamp {i} of {i % 7}"} for i in range(64)]
    serial = tower.embed(titles)
    with ThreadPoolExecutor(8) as pool:
        alone = list(pool.map(lambda title: tower.embed([title])[0], titles))
    np.testing.assert_allclose(np.stack(alone), serial, atol=1e-6)


def test_a_bad_record_is_named(tower: Tower) -> None:
    with pytest.raises(InvalidRecord, match="record 1, feature 'title': is empty"):
        tower.embed([{"title": "mug"}, {"title": ""}])


def test_a_graph_of_other_features_is_refused(tower: Tower) -> None:
    other = Featurizer([TextFeature(name="body")], {}, {})
    with pytest.raises(BundleCorrupt, match="reads title, but the feature spec gives body"):
        Tower(other, tower.session, Path("query_tower.onnx"))


class _Watched(Tower):
    """A tower that tells how large its runs were: records and padded length."""

    runs: list[tuple[int, ...]]

    def embed_batch(self, arrays: Mapping[str, Any]) -> FloatArray:
        self.runs.append(arrays["title"].shape)
        return super().embed_batch(arrays)


@pytest.fixture
def reading_tokens(tower: Tower, monkeypatch: pytest.MonkeyPatch) -> _Watched:
    """The same graph behind a tokenizer, in runs of at most 24 word pieces."""
    monkeypatch.setattr("bundle.tower.RUN_TOKENS", {"cpu": 24})
    feature = TokensFeature(name="title", model="tiny", max_tokens=20, required=False)
    watched = _Watched(Featurizer([feature], {}, {}, tiny_tokenizers()), tower.session, Path("query_tower.onnx"))
    watched.runs = []
    return watched


def test_texts_of_like_length_share_a_run(reading_tokens: _Watched) -> None:
    lengths = [16, 1, 4, 2, 16, 1, 4, 9]
    titles = [{"title": " ".join([WORDS[0]] * n)} for n in lengths]
    encoded = reading_tokens.featurizer.encode(titles)
    read = encoded.lengths()
    together = reading_tokens.embed_encoded(encoded)
    assert all(rows * length <= 24 or rows == 1 for rows, length in reading_tokens.runs)
    assert sum(rows * length for rows, length in reading_tokens.runs) < 1.2 * read.sum()
    assert sum(rows for rows, _ in reading_tokens.runs) == len(titles)
    alone = [reading_tokens.embed([title])[0] for title in titles]
    np.testing.assert_allclose(together, np.stack(alone), atol=1e-6)


def test_what_goes_into_one_run_is_one(reading_tokens: _Watched) -> None:
    reading_tokens.embed_encoded(reading_tokens.featurizer.encode([{"title": WORDS[0]}, {"title": WORDS[1]}, {}]))
    assert len(reading_tokens.runs) == 1


def test_a_tower_without_word_pieces_makes_one_run(tower: Tower, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bundle.tower.RUN_TOKENS", {"cpu": 1})
    encoded = tower.featurizer.encode([{"title": "lamp"}, {"title": "a much longer title of a lamp"}])
    np.testing.assert_array_equal(tower.embed_encoded(encoded), tower.embed_batch(encoded.batch()))
    assert tower.guess_tokens([{"title": "lamp " * 50}, {"title": "mug"}]) == 2


def test_tokens_are_guessed_from_characters_up_to_what_is_read(reading_tokens: _Watched) -> None:
    assert reading_tokens.guess_tokens([{"title": "x" * 20}, {"title": None}, {}]) == 3 + 5
    assert reading_tokens.guess_tokens([{"title": "x" * 4000}, {"title": 7}]) == 2 + 20
