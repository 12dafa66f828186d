"""Line one: tables become a bundle whose graphs answer as trained, with what was measured beside baselines."""

import numpy as np

from bundle.store import list_bundles, open_bundle
from tests.flows.conftest import Trained
from training.evaluate_bundle import evaluate_bundle


def test_the_bundle_opens_verified_and_says_how_it_was_made(trained: Trained) -> None:
    bundle = open_bundle(trained.collection, trained.result.bundle_id)
    manifest = bundle.manifest
    assert list_bundles(trained.collection) == [bundle.bundle_id]
    assert manifest.training == trained.config.model_dump(mode="json")
    assert {"model_card.md", "report/index.html", "query_tower.onnx", "item_tower.onnx"} <= set(manifest.files)
    assert manifest.semantic_id_codebooks == (16,) * len(manifest.semantic_id_codebooks or ())
    for method in ("", "popularity.", "item_knn."):
        assert 0 <= manifest.evaluation[f"{method}recall@20"] <= 1


def test_the_served_towers_measure_as_the_trained_model_did(trained: Trained) -> None:
    bundle = open_bundle(trained.collection, trained.result.bundle_id)
    served = evaluate_bundle(bundle, trained.tables, "test")
    for method, metrics in trained.result.metrics.items():
        for name, value in metrics.items():
            np.testing.assert_allclose(served[method][name], value, atol=2e-3, err_msg=f"{method} {name}")


def test_a_new_item_is_embedded_by_its_text(trained: Trained) -> None:
    bundle = open_bundle(trained.collection, trained.result.bundle_id)
    red, again, other = bundle.item.embed(
        [
            {"item_id": "NEW1", "description": "RED RETROSPOT LUNCH BAG", "price": 1.65},
            {"item_id": "NEW1", "description": "RED RETROSPOT LUNCH BAG", "price": 1.65},
            {"item_id": "NEW1", "description": "VICTORIAN SEWING KIT", "price": 1.65},
        ]
    )
    np.testing.assert_array_equal(red, again)
    assert red @ other < 0.99
