"""What every tower owes the exporter and the index, whatever its layers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bundle.columns import EncodedRecords
from bundle.encoders import NumberStatistics
from bundle.features import (
    CategoriesFeature,
    CategoryFeature,
    Feature,
    NumberFeature,
    SequenceFeature,
    TextFeature,
    VectorFeature,
)
from bundle.featurize import Featurizer
from bundle.vocabulary import Vocabulary
from training.encoders.build import EncoderInputs
from training.export import export_tower
from training.model import text_idf
from training.parity import check_tower
from training.towers import TowerConfig

DIMENSION = 16
# Names that torch gives to inner values too: the graph must keep them apart.
FEATURES: Sequence[Feature] = (
    CategoryFeature(name="value"),
    CategoriesFeature(name="add", max_length=3),
    TextFeature(name="title", buckets=300, required=False),
    TextFeature(name="body", buckets=300, required=False),
    NumberFeature(name="price"),
    VectorFeature(name="photo", dimension=4, required=False),
    SequenceFeature(name="history", vocabulary="value", max_length=5),
)


def records(n: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    full = [
        {
            "value": f"v{rng.integers(0, 9)}",
            "add": [f"v{i}" for i in range(rng.integers(0, 3))],
            "title": " ".join(f"word{rng.integers(0, 30)}" for _ in range(rng.integers(1, 6))),
            "body": "some text",
            "price": float(rng.normal()),
            "photo": rng.normal(size=4).tolist(),
            "history": [f"v{rng.integers(0, 9)}" for _ in range(rng.integers(0, 7))],
        }
        for _ in range(n - 1)
    ]
    return [{}, *full]


def encoded(n: int = 40) -> EncodedRecords:
    values = [f"v{i}" for i in range(9)]
    vocabularies = {"value": Vocabulary(values), "add": Vocabulary(values)}
    return Featurizer(FEATURES, vocabularies, {"price": NumberStatistics(mean=0, std=1)}).encode(records(n))


class TowerContract:
    """Subclass with a `config` fixture."""

    def tower(self, config: TowerConfig, unit_length: bool = True) -> torch.nn.Module:
        torch.manual_seed(0)
        vocabulary = Vocabulary([f"v{i}" for i in range(9)])
        vocabularies = {"value": vocabulary, "add": vocabulary}
        inputs = EncoderInputs(DIMENSION, vocabularies, text_idf(FEATURES, encoded()))
        return config.build(FEATURES, inputs, unit_length).eval()

    def embed(self, tower: torch.nn.Module, rows: Sequence[int]) -> torch.Tensor:
        arrays = encoded().batch(np.array(rows, dtype=np.int64)).values()
        with torch.no_grad():
            embedding_BD: torch.Tensor = tower(*(torch.from_numpy(array) for array in arrays))
        return embedding_BD

    def test_embeddings_have_unit_length_when_asked(self, config: TowerConfig) -> None:
        embedding_BD = self.embed(self.tower(config), range(40))
        assert embedding_BD.shape == (40, DIMENSION)
        assert embedding_BD.dtype == torch.float32
        torch.testing.assert_close(embedding_BD.norm(dim=1), torch.ones(40))
        assert (self.embed(self.tower(config, unit_length=False), range(40)).norm(dim=1) - 1).abs().max() > 0.1

    def test_an_empty_record_has_an_embedding(self, config: TowerConfig) -> None:
        torch.testing.assert_close(self.embed(self.tower(config), [0]).norm(), torch.tensor(1.0))

    def test_a_record_embeds_alike_alone_and_among_others(self, config: TowerConfig) -> None:
        tower = self.tower(config)
        together = self.embed(tower, range(40))
        for row in (0, 1, 17, 39):
            torch.testing.assert_close(self.embed(tower, [row])[0], together[row], rtol=0, atol=1e-6)

    def test_every_feature_counts(self, config: TowerConfig) -> None:
        tower = self.tower(config, unit_length=False)
        arrays = [torch.from_numpy(array) for array in encoded().batch().values()]
        with torch.no_grad():
            base = tower(*arrays)
            for position in range(len(arrays)):
                changed = list(arrays)
                changed[position] = torch.zeros_like(arrays[position])
                assert not torch.allclose(tower(*changed), base), FEATURES[position].name

    def test_gradients_reach_every_weight(self, config: TowerConfig) -> None:
        tower = self.tower(config)
        for name, weight in tower.named_parameters():
            if name.endswith("narrow.weight"):
                torch.nn.init.normal_(weight)  # zero at first, which holds back what lies before it
        arrays = [torch.from_numpy(array) for array in encoded().batch().values()]
        tower(*arrays)[:, 0].square().sum().backward()
        idle = [name for name, w in tower.named_parameters() if w.grad is None or not w.grad.abs().sum() > 0]
        assert idle == []

    def test_the_graph_is_the_tower(self, config: TowerConfig, tmp_path: Path) -> None:
        tower, path = self.tower(config), tmp_path / "tower.onnx"
        export_tower(tower, FEATURES, encoded().batch(np.arange(1)), path)
        assert check_tower(tower, encoded(), path).max_difference <= 1e-5

    def test_equal_seeds_give_equal_weights(self, config: TowerConfig) -> None:
        first, second = self.tower(config).state_dict(), self.tower(config).state_dict()
        assert all(torch.equal(first[name], second[name]) for name in first)

    def test_the_config_survives_json(self, config: TowerConfig) -> None:
        assert type(config).model_validate_json(config.model_dump_json()) == config
