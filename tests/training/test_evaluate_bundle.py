from pathlib import Path

import pytest

from bundle.errors import ConfigError
from bundle.progress import NoProgress
from bundle.store import open_bundle
from bundle.workspace import Workspace
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
