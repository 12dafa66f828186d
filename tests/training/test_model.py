import math

import numpy as np
import pytest
import torch
from torch import nn

from bundle.features import CategoryFeature, FeatureSpec, SequenceFeature, TextFeature
from bundle.featurize import Featurizer
from bundle.vocabulary import Vocabulary
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


def test_embedding_takes_few_rows_at_a_time() -> None:
    sizes: list[int] = []
    tower = model(False).item
    tower.register_forward_pre_hook(lambda _, arrays: sizes.append(len(arrays[0])))
    records = Featurizer(SPEC.item, {"item_id": Vocabulary(["a"])}, {}).encode([{"item_id": "a"}] * 1500)
    assert len(embed(tower, records, torch.device("cpu"))) == 1500
    assert sizes == [1024, 476]
