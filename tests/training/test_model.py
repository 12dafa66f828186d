import math

import numpy as np
import pytest
import torch
from torch import nn

from bundle.features import CategoryFeature, FeatureSpec, SequenceFeature, TextFeature
from bundle.featurize import Featurizer
from bundle.vocabulary import Vocabulary
from training.encoders.text import TextEncoder
from training.model import DualEncoder, ModelConfig, TowerData, build_model, embed, text_idf
from training.towers import TowerConfig

SPEC = FeatureSpec(query=(SequenceFeature(name="history"),), item=(CategoryFeature(name="item_id"),))


def model(share_items: bool) -> DualEncoder:
    query = TowerConfig.model_validate({"history": {"kind": "mean", "share_items": share_items}})
    config = ModelConfig(SPEC, query, TowerConfig(), 4, True)
    return build_model(config, {"item_id": Vocabulary(["a", "b"])}, TowerData(), TowerData())


@pytest.mark.parametrize(("share_items", "tables"), [(True, 1), (False, 2)])
def test_a_history_reads_the_item_towers_table_only_when_told(share_items: bool, tables: int) -> None:
    found = {id(m.weight) for m in model(share_items).modules() if isinstance(m, nn.Embedding)}
    assert len(found) == tables


def test_idf_by_hand() -> None:
    feature = TextFeature(name="title", buckets=50, min_gram=20, max_gram=20)
    records = Featurizer([feature], {}, {}).encode([{"title": "red red lamp"}, {"title": "red"}, {"title": "pan"}])
    grams = [set(records.batch(np.array([row]))["title"][0]) - {0} for row in range(3)]
    idf_V = text_idf([feature], records)["title"]
    assert len(idf_V) == 51
    for bucket in grams[1]:  # 'red' stands in two of three records
        assert idf_V[bucket] == pytest.approx(1 + math.log(4 / 3))
    for bucket in grams[2] - grams[1]:
        assert idf_V[bucket] == pytest.approx(1 + math.log(4 / 2))


def test_embedding_in_parts_is_embedding_at_once_and_leaves_the_mode_alone() -> None:
    tower = model(False).item.train()
    records = Featurizer(SPEC.item, {"item_id": Vocabulary(["a", "b"])}, {}).encode(
        [{"item_id": name} for name in "abcabca"]
    )
    cpu = torch.device("cpu")
    np.testing.assert_array_equal(embed(tower, records, cpu, 3), embed(tower, records, cpu))
    assert tower.training


def test_texts_of_like_length_share_a_batch_and_come_back_in_order() -> None:
    feature = TextFeature(name="title", buckets=50)
    rng = np.random.default_rng(0)
    titles = [" ".join(["lamp"] * int(n)) for n in rng.integers(1, 40, 70)]
    records = Featurizer([feature], {}, {}).encode([{"title": title} for title in titles])
    spec = FeatureSpec(query=(feature,), item=(feature,))
    idf = TowerData(text_idf([feature], records))
    tower = build_model(ModelConfig(spec, TowerConfig(), TowerConfig(), 4, True), {}, idf, idf).item
    widths: list[int] = []
    tower.register_forward_pre_hook(lambda _, arrays: widths.append(arrays[0].shape[1]))
    cpu = torch.device("cpu")
    together = embed(tower, records, cpu, 8)
    assert widths == sorted(widths) and widths[0] < 0.3 * widths[-1]
    with torch.no_grad():
        for row, array in enumerate(records.batch()["title"]):
            np.testing.assert_allclose(together[row], tower(torch.from_numpy(array[None]))[0], atol=1e-6)


def test_embedding_takes_few_rows_at_a_time() -> None:
    sizes: list[int] = []
    tower = model(False).item
    tower.register_forward_pre_hook(lambda _, arrays: sizes.append(len(arrays[0])))
    records = Featurizer(SPEC.item, {"item_id": Vocabulary(["a"])}, {}).encode([{"item_id": "a"}] * 1500)
    assert len(embed(tower, records, torch.device("cpu"))) == 1500
    assert sizes == [1024, 476]


def text_model(share_text: bool, item_grams: int = 4) -> DualEncoder:
    query, item = TextFeature(name="q", buckets=9), TextFeature(name="title", buckets=9, max_words=5)
    other = TextFeature(name="other", buckets=9, max_gram=item_grams)
    config = ModelConfig(
        FeatureSpec(query=(query,), item=(item, other)), TowerConfig(), TowerConfig(), 4, True, share_text=share_text
    )
    idf_V = {name: torch.ones(10) for name in ("q", "title", "other")}
    return build_model(config, {}, TowerData(idf_V), TowerData(idf_V))


@pytest.mark.parametrize(("share_text", "item_grams", "tables"), [(False, 4, 3), (True, 4, 1), (True, 5, 2)])
def test_texts_share_a_table_when_told_and_only_where_they_hash_alike(
    share_text: bool, item_grams: int, tables: int
) -> None:
    towers = text_model(share_text, item_grams)
    assert len({id(m.weight) for m in towers.modules() if isinstance(m, nn.Embedding)}) == tables
    query, item = (next(m for m in tower.modules() if isinstance(m, TextEncoder)) for tower in towers.children())
    assert (query.table is item.table) == share_text


def test_one_step_of_a_shared_table_moves_both_towers() -> None:
    towers = text_model(True)
    gram_BT = torch.tensor([[3, 5]])
    before = towers.query.eval()(gram_BT).detach().clone()
    towers.item.train()(gram_BT, gram_BT)[0, 0].backward()
    torch.optim.SGD(towers.item.parameters(), lr=1.0).step()
    assert not torch.allclose(towers.query(gram_BT), before)
