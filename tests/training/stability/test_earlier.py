import numpy as np
import pytest
import torch

from bundle.errors import BundleNotFound, ConfigError
from bundle.progress import NoProgress
from bundle.store import open_bundle
from bundle.workspace import Workspace
from tests.training.conftest import Trained
from tests.training.world import shop_config
from training.dataset import load_dataset
from training.quantizers.residual import ResidualConfig
from training.run import train
from training.stability.earlier import check_sizes, earlier_codes, find_earlier


def test_the_newest_bundle_with_semantic_ids_is_found(trained: Trained) -> None:
    bundle_id = trained.result.bundle_id
    assert find_earlier(trained.collection, "newest") == bundle_id
    assert find_earlier(trained.collection, bundle_id) == bundle_id
    assert find_earlier(Workspace(trained.tables / "none").collection("shop"), "newest") is None
    with pytest.raises(BundleNotFound):
        find_earlier(trained.collection, "0123")


def test_codes_of_other_sizes_are_refused_before_training(trained: Trained) -> None:
    check_sizes(trained.collection, trained.result.bundle_id, ResidualConfig(levels=2, codebook_size=8))
    with pytest.raises(ConfigError, match="8 x 8 codes.*8 x 8 x 8"):
        check_sizes(trained.collection, trained.result.bundle_id, ResidualConfig(levels=3, codebook_size=8))


def test_codebooks_come_out_of_the_served_graph(trained: Trained) -> None:
    dataset = load_dataset(trained.config.data, trained.tables)
    earlier = earlier_codes(trained.collection, trained.result.bundle_id, dataset)
    assert earlier.codebooks is not None
    again = ResidualConfig(levels=2, codebook_size=8, beam=3).assemble(earlier.codebooks)
    np.testing.assert_array_equal(again.encode(torch.from_numpy(earlier.embedding_Nd)).numpy(), earlier.code_NL)
    codec = open_bundle(trained.collection, trained.result.bundle_id).semantic_ids
    assert codec is not None
    np.testing.assert_allclose(
        again.decode(torch.from_numpy(earlier.code_NL)).numpy(), codec.decode(earlier.code_NL), atol=1e-5
    )


def test_a_run_remembers_which_bundle_it_stayed_near(trained: Trained) -> None:
    config = shop_config(semantic_id_stability={"mode": "warm_start", "passes": 0})
    result = train(config, trained.tables, trained.collection, progress=NoProgress())
    assert result.semantic_id_metrics is not None
    assert result.semantic_id_metrics["churn@2"] <= 0.02  # the same settings give the same tower
    bundle = open_bundle(trained.collection, result.bundle_id)
    assert bundle.manifest.training["semantic_id_stability"]["bundle"] == trained.result.bundle_id
    assert f"bundle `{trained.result.bundle_id}`" in (bundle.folder / "model_card.md").read_text()
    assert f"than bundle {trained.result.bundle_id} gives" in (bundle.folder / "report" / "index.html").read_text()
