"""The encoder over an item graph: an item is its row and what its neighbours are."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from bundle.features import CategoryFeature
from bundle.featurize import Featurizer
from bundle.vocabulary import Vocabulary
from training.encoders.item_graph import ItemGraphEncoder
from training.export import export_tower
from training.item_graph import ItemGraph, ItemGraphConfig
from training.parity import check_tower

FIRST = 2  # row 0 missing, row 1 out of vocabulary
CONFIG = ItemGraphConfig(features=("v",), items_a_step=8)


def graph(weight: float = 0.5) -> ItemGraph:
    """Item 0 has neighbours 1 and 2; item 1 has neighbour 0; item 2 has none."""
    near_GNK = np.array([[[1, 2], [0, -1], [-1, -1]]])
    return ItemGraph(CONFIG, near_GNK, np.where(near_GNK < 0, 0, weight).astype(np.float32))


def encoder(made: ItemGraph) -> ItemGraphEncoder:
    table = nn.Embedding(FIRST + 3, 4, padding_idx=0)
    with torch.no_grad():
        table.weight[:] = torch.arange(20).reshape(5, 4).float()
        table.weight[0] = 0
    return ItemGraphEncoder(table, made, FIRST)


def test_an_item_is_its_row_and_the_weighted_rows_of_its_neighbours() -> None:
    made = encoder(graph())
    rows = made.table.weight
    encoded = made(torch.tensor([2, 3, 4, 1, 0]))
    torch.testing.assert_close(encoded[0], rows[2] + 0.5 * (rows[3] + rows[4]))
    torch.testing.assert_close(encoded[1], rows[3] + 0.5 * rows[2])
    torch.testing.assert_close(encoded[2:], torch.stack([rows[4], rows[1], rows[0]]))


def test_several_graphs_are_averaged() -> None:
    one = graph()
    two = ItemGraph(CONFIG, np.concatenate([one.near_GNK] * 2), np.concatenate([one.weight_GNK, one.weight_GNK * 3]))
    made = encoder(two)
    rows = made.table.weight
    torch.testing.assert_close(made(torch.tensor([3]))[0], rows[3] + 1.0 * rows[2])


def test_weights_of_zero_are_the_plain_rows() -> None:
    made = encoder(graph(0.0))
    value_B = torch.arange(5)
    assert torch.equal(made(value_B), made.table(value_B))


def test_a_cold_item_gets_gradient_as_a_neighbour_and_gives_none_by_its_terms_of_weight_zero() -> None:
    made = encoder(graph())
    made(torch.tensor([2])).sum().backward()
    assert made.table.weight.grad is not None
    assert (made.table.weight.grad[[2, 3, 4]] != 0).all()
    assert not made.table.weight.grad[[0, 1]].any()
    free = CONFIG.model_copy(update={"noise_weight": 0.0, "anchor_weight": 0.0, "fusion_weight": 0.0})
    terms = encoder(ItemGraph(free, graph().near_GNK, graph().weight_GNK)).own_loss()
    assert [float(term.detach()) for term in terms.values()] == [0, 0, 0]


def test_the_exported_graph_holds_the_neighbours(tmp_path: Path) -> None:
    feature = CategoryFeature(name="item_id")
    featurizer = Featurizer((feature,), {"item_id": Vocabulary(["a", "b", "c"])}, {})
    records = featurizer.encode([{"item_id": name} for name in ("a", "b", "c", "new")])
    made, path = encoder(graph()).eval(), tmp_path / "tower.onnx"
    export_tower(made, (feature,), records.batch(np.arange(1)), path)
    assert check_tower(made, records, path).max_difference <= 1e-6
