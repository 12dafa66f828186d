from dataclasses import replace
from pathlib import Path

import pytest

from bundle.errors import ConfigError
from bundle.progress import NoProgress
from bundle.store import open_bundle
from bundle.workspace import Workspace
from tests.training.conftest import Trained
from tests.training.world import shop_config, write_shop
from training.evaluate_bundle import evaluate_bundle
from training.run import train


@pytest.mark.parametrize("refit", ["none", "validation"])
def test_the_onnx_towers_measure_as_the_model_did(tmp_path: Path, refit: str) -> None:
    collection = Workspace(tmp_path / "workspace").collection("shop")
    config = shop_config(trainer={"epochs": 1, "refit": refit})
    result = train(config, write_shop(tmp_path), collection, progress=NoProgress())
    bundle = open_bundle(collection, result.bundle_id)
    served = evaluate_bundle(bundle, tmp_path, "test")
    assert served.keys() == result.metrics.keys()
    assert served["popularity"] == result.metrics["popularity"]
    assert served["model"] == pytest.approx(result.metrics["model"], abs=0.03)  # a tie may break the other way
    if refit == "validation":
        with pytest.raises(ConfigError, match="use the test part"):
            evaluate_bundle(bundle, tmp_path, "validation")
    else:
        assert evaluate_bundle(bundle, tmp_path, "validation")["model"]["queries"] > 0


def test_remembered_settings_that_no_longer_hold_are_a_config_error(trained: Trained) -> None:
    bundle = open_bundle(trained.collection, trained.result.bundle_id)
    manifest = bundle.manifest.model_copy(update={"training": {**bundle.manifest.training, "gone": 1}})
    with pytest.raises(ConfigError, match=f"configuration in bundle {bundle.bundle_id}(.|\n)*gone"):
        evaluate_bundle(replace(bundle, manifest=manifest), trained.tables, "test")
