from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import orjson
import pytest

from bundle.errors import InvalidRecord, UnknownItem
from bundle.store import open_bundle
from bundle.workspace import Workspace
from index.store import current
from service.errors import InvalidRequest
from service.loaded import Loaded, load
from service.operations.cut import cut, unit_length, width_of
from service.operations.embed import Embed
from service.operations.embed_texts import EmbedTexts
from service.operations.joined import FloatArray, all_or_each, each, embed_joined
from service.operations.search import Search
from service.operations.words import Words
from service.stages import Stages
from tests.service.conftest import settings_for
from tests.service.tiny import write_tiny_bundle


@dataclass(frozen=True)
class Shape:
    """An answer that holds everything that its writer is told."""

    def write(self, embedding_BW: FloatArray, tokens: int) -> bytes:
        return orjson.dumps({"rows": embedding_BW.tolist(), "tokens": tokens})


@pytest.fixture(scope="module")
def loaded(shop_root: Path) -> Loaded:
    collection = Workspace(shop_root).collection("shop")
    return load(collection, str(current(collection)), settings_for(shop_root), None)


def test_joined_records_get_what_they_get_alone(loaded: Loaded) -> None:
    tower = loaded.bundle.query
    payloads = [[{"text": "red mug"}], [{"text": "a much longer text of many more words"}, {"text": "lamp"}]]
    joined = embed_joined(tower, payloads, Stages())
    for part, records in zip(joined, payloads, strict=True):
        assert not isinstance(part, Exception)
        np.testing.assert_allclose(part, tower.embed(records), atol=1e-6)


def test_a_bad_record_fails_its_own_payload_with_its_own_position(loaded: Loaded) -> None:
    payloads: list[list[dict[str, object]]] = [
        [{"text": "red"}],
        [{"text": "mug"}, {"text": 3}],
        [{"nope": 1}],
        [{"text": "lamp"}],
    ]
    outcomes = embed_joined(loaded.bundle.query, payloads, Stages())
    assert isinstance(outcomes[1], InvalidRecord) and "record 1" in outcomes[1].message
    assert isinstance(outcomes[2], InvalidRecord) and "record 0" in outcomes[2].message
    for outcome, text in ((outcomes[0], "red"), (outcomes[3], "lamp")):
        assert isinstance(outcome, np.ndarray)
        np.testing.assert_allclose(outcome, loaded.bundle.query.embed([{"text": text}]), atol=1e-6)


def test_when_all_are_bad_nothing_runs(loaded: Loaded) -> None:
    outcomes = embed_joined(loaded.bundle.query, [[{}], [{"x": 1}]], Stages())
    assert all(isinstance(outcome, InvalidRecord) for outcome in outcomes)


def test_only_domain_errors_stay_with_their_payload() -> None:
    def work(value: int) -> int:
        if value == 1:
            raise UnknownItem("one")
        return 10 // value

    outcomes = each([2, 1, 5], work)
    assert outcomes[0] == 5 and isinstance(outcomes[1], UnknownItem) and outcomes[2] == 2
    with pytest.raises(ZeroDivisionError):
        each([0], work)


def test_texts_of_joined_requests_are_answered_apart(loaded: Loaded) -> None:
    operation = EmbedTexts(loaded, "item", "title", loaded.version.dimension, False, Shape())
    first, bad, second = operation.run([["red mug", "lamp"], ["glass", ""], ["lamp"]], Stages())
    assert isinstance(bad, InvalidRecord) and "record 1" in bad.message
    assert isinstance(first, bytes) and isinstance(second, bytes)
    item = loaded.bundle.item
    for answer, texts in ((orjson.loads(first), ["red mug", "lamp"]), (orjson.loads(second), ["lamp"])):
        records = [{"title": text} for text in texts]
        np.testing.assert_allclose(answer["rows"], item.embed(records), atol=1e-6)
        assert answer["tokens"] == np.count_nonzero(item.featurizer(records)["title"])


def test_operations_of_unlike_answers_are_not_joined(loaded: Loaded) -> None:
    one = EmbedTexts(loaded, "item", "title", 8, False, Shape())
    assert one == EmbedTexts(loaded, "item", "title", 8, False, Shape())
    assert one != EmbedTexts(loaded, "item", "title", 8, True, Shape())
    assert one != EmbedTexts(loaded, "item", "title", 4, False, Shape())


def test_a_cut_embedding_has_unit_length_where_scores_are_cosines() -> None:
    embedding_BD = np.array([[0.3, 0.4, 1.2], [0, 0, 1]], dtype=np.float32)
    np.testing.assert_allclose(cut(embedding_BD, 2, "cosine"), np.array([[0.6, 0.8], [0, 0]]), atol=1e-6)
    np.testing.assert_allclose(cut(embedding_BD, 2, "dot"), embedding_BD[:, :2])
    assert cut(embedding_BD, 3, "cosine") is embedding_BD
    np.testing.assert_allclose(unit_length(np.array([[0, 0], [0, -5]], dtype=np.float32)), [[0, 0], [0, -1]])


def test_only_trained_widths_are_given(tmp_path: Path, loaded: Loaded) -> None:
    collection = Workspace(tmp_path).collection("cut")
    manifest = open_bundle(collection, write_tiny_bundle(collection, widths=(6, 2))).manifest
    assert manifest.widths == (8, 6, 2)
    assert [width_of(manifest, dimensions) for dimensions in (None, 8, 6, 2)] == [8, 8, 6, 2]
    with pytest.raises(InvalidRequest, match="8, 6, 2"):
        width_of(manifest, 4)
    with pytest.raises(InvalidRequest, match="embeds in 8 and"):
        width_of(loaded.bundle.manifest, 2)


def test_rows_of_all_parts_are_changed_at_once_and_of_each_where_one_is_at_fault() -> None:
    calls: list[int] = []

    def double(row_BD: FloatArray) -> FloatArray:
        calls.append(len(row_BD))
        if (row_BD < 0).any():
            raise InvalidRequest("negative")
        return 2 * row_BD

    earlier = UnknownItem("gone")
    one, two, bad = np.ones((1, 3), np.float32), np.ones((2, 3), np.float32), -np.ones((1, 3), np.float32)
    done = all_or_each([one, earlier, two], double)
    assert done[1] is earlier and calls == [3]
    np.testing.assert_array_equal(done[2], 2 * two)
    outcomes = all_or_each([one, bad, two], double)
    assert isinstance(outcomes[1], InvalidRequest) and calls[1:] == [4, 1, 1, 2]
    np.testing.assert_array_equal(outcomes[0], 2 * one)


def test_only_a_plain_search_by_few_vectors_is_brief(loaded: Loaded) -> None:
    loaded.brief_records = 4
    plain = Search(loaded, "vectors", "similar", 10, (), None, ("attributes",))
    assert plain.is_brief(4) and not plain.is_brief(5)
    others: list[dict[str, object]] = [
        {"source": "queries"},
        {"k": 100},
        {"params": (("ef_search", 500),)},
        {"depth": 100},
        {"words": Words(None)},
        {"hubness": "csls"},
    ]
    assert not any(replace(plain, **changed).is_brief(1) for changed in others)  # type: ignore[arg-type]
    assert not Embed(loaded, "query", "float", 8).is_brief(1)
