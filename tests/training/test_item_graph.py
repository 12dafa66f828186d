"""The item graph: oracles of its normalisation, its perturbation and its agreement terms, and what it does in a run."""

import math

import numpy as np
import pytest
import torch
from scipy import sparse

from bundle.errors import ConfigError
from bundle.progress import NoProgress
from tests.training.world import shop_config, write_shop
from training.dataset import load_dataset
from training.item_graph import ItemGraphConfig, build_item_graph
from training.item_graph.agreement import agreement, anchored, perturb
from training.item_graph.neighbours import collaborative_graph, infuse, normalised, semantic_graph
from training.learn import Learner

GRAPH = {"features": ["photo"], "neighbours": 4, "items_a_step": 16}


def dense(rows: list[list[float]]) -> sparse.csr_array:
    return sparse.csr_array(np.array(rows, dtype=np.float32))


def test_nearest_items_without_itself_and_without_opposites() -> None:
    vectors_ND = np.array([[1, 0], [1, 0], [1, 1], [-1, 0], [0, 0]], dtype=np.float32)
    graph = semantic_graph(vectors_ND, 2).toarray()
    np.testing.assert_allclose(graph[0], [0, 1, math.sqrt(0.5), 0, 0], atol=1e-6)
    np.testing.assert_allclose(graph[1], [1, 0, math.sqrt(0.5), 0, 0], atol=1e-6)
    assert not graph[3].any(), "cosines below zero are no neighbours"
    assert not graph[4].any(), "a missing vector has none"


def test_items_of_the_same_queries_are_neighbours() -> None:
    query_P, item_P = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 2])
    graph = collaborative_graph(query_P, item_P, 4, 3).toarray()
    np.testing.assert_allclose(graph, [[0, 1, 0, 0], [1, 0, 0, 0], [0] * 4, [0] * 4], atol=1e-6)


def test_normalisation_by_hand_and_zero_rows_stay_zero() -> None:
    graph = normalised(dense([[0, 4, 0], [1, 0, 0], [0, 0, 0]])).toarray()
    np.testing.assert_allclose(graph, [[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    assert np.isfinite(graph).all()


def test_without_a_share_of_behaviour_only_content_counts_and_the_reverse() -> None:
    content, together = dense([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]]), dense([[0, 0, 1], [0, 0, 0], [1, 0, 0]])
    assert infuse(content, together, 0.0).toarray()[0].tolist() == pytest.approx([0, 1, 0])
    assert infuse(content, together, 1.0).toarray()[0].tolist() == pytest.approx([0, 0, 1])
    half = infuse(content, together, 0.5).toarray()
    assert half[0, 1] == pytest.approx(1 / math.sqrt(2))  # row sum 1, column sum 1/2: .5 / sqrt(1 x .5)


def test_the_perturbation_is_as_long_as_asked_and_stays_in_its_orthant() -> None:
    torch.manual_seed(0)
    embedding_BD = torch.randn(50, 8)
    embedding_BD[3] = 0
    moved_BD = perturb(embedding_BD, 0.1, torch.rand(50, 8))
    torch.testing.assert_close((moved_BD - embedding_BD).norm(dim=1), 0.1 * embedding_BD.norm(dim=1))
    assert (moved_BD.sign() == embedding_BD.sign()).all()
    assert not moved_BD[3].any()
    assert torch.equal(perturb(embedding_BD, 0.0, torch.rand(50, 8)), embedding_BD)


def test_two_items_with_equal_similarities_cost_ln_2() -> None:
    same_BD = torch.ones(2, 3)
    assert float(anchored(same_BD, same_BD[None], 0.2)) == pytest.approx(math.log(2))
    assert float(anchored(same_BD, torch.stack([same_BD, same_BD]), 0.2)) == pytest.approx(math.log(2))


def test_identity_similarities_by_hand() -> None:
    eye_BD = torch.eye(2, dtype=torch.float64)
    assert float(agreement(eye_BD, eye_BD, 0.5)) == pytest.approx(0.126928, abs=1e-6)
    assert float(agreement(eye_BD, eye_BD, 0.1)) == pytest.approx(4.54e-05, abs=1e-7)


def test_items_with_nothing_to_agree_on_are_left_out() -> None:
    anchor_BD, view_GBD = torch.eye(3), torch.eye(3)[None].clone()
    view_GBD[0, 2] = 0
    assert float(anchored(anchor_BD, view_GBD, 0.5)) == pytest.approx(0.126928, abs=1e-6)
    nothing = anchored(torch.zeros(2, 3, requires_grad=True), torch.zeros(1, 2, 3), 0.5)
    nothing.backward()  # type: ignore[no-untyped-call]
    assert float(nothing.detach()) == 0


def test_every_graph_has_its_row_and_short_rows_are_filled_up() -> None:
    rng = np.random.default_rng(0)
    vectors = [rng.normal(size=(20, 3)).astype(np.float32), np.zeros((20, 3), dtype=np.float32)]
    config = ItemGraphConfig(features=("a", "b"), neighbours=3, collaborative=0.0)
    graph = build_item_graph(config, vectors, np.array([0, 0]), np.array([0, 1]))
    assert graph.near_GNK.shape == graph.weight_GNK.shape == (2, 20, 3)
    assert (graph.near_GNK[1] == -1).all()
    assert not graph.weight_GNK[1].any()
    assert ((graph.near_GNK[0] >= 0) == (graph.weight_GNK[0] > 0)).all()


@pytest.mark.parametrize("change", [{"features": ["title"]}, {"features": ["photo", "photo"]}])
def test_features_that_give_no_graph_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"no vector feature of the item tower \(it has: photo\)|features repeat"):
        shop_config(item_graph={**GRAPH, **change})


def test_a_tower_without_item_rows_is_refused() -> None:
    features = shop_config().model_dump()["features"]
    features["item"] = [feature for feature in features["item"] if feature["name"] != "item_id"]
    with pytest.raises(ConfigError, match="no category feature of the vocabulary 'item_id'"):
        shop_config(features=features, item_graph=GRAPH)


def test_a_run_logs_its_terms_and_repeats_itself(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write_shop(tmp_path_factory.mktemp("shop"))
    config = shop_config(item_graph=GRAPH, quantizer=None)
    dataset = load_dataset(config.data, folder)
    split = config.split.split(dataset)
    runs = [Learner(config, dataset, split, NoProgress()).learn() for _ in range(2)]
    for name in ("graph_noise", "graph_anchor", "graph_fusion"):
        assert runs[0].logs[-1].logs[f"loss/{name}"] > 0
    for left, right in zip(runs[0].model.parameters(), runs[1].model.parameters(), strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=0)
