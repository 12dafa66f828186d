"""The gate lets equal graphs through and stops others."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bundle.features import CategoryFeature
from bundle.featurize import Featurizer
from bundle.vocabulary import Vocabulary
from tests.contracts.quantizer import clustered
from training.errors import ExportMismatch
from training.export import export_graph, export_tower
from training.parity import check_codec, check_tower
from training.quantizers.contract import Quantizer, QuantizerData
from training.quantizers.residual import ResidualConfig

FEATURES = (CategoryFeature(name="item_id"),)
VALUES = [str(i) for i in range(30)]
RECORDS = Featurizer(FEATURES, {"item_id": Vocabulary(VALUES)}, {}).encode([{"item_id": v} for v in VALUES])


def exported_tower(path: Path) -> nn.Embedding:
    torch.manual_seed(0)
    tower = nn.Embedding(32, 4)
    export_tower(tower, FEATURES, RECORDS.batch(np.arange(1)), path)
    return tower


def test_a_faithful_graph_passes(tmp_path: Path) -> None:
    path = tmp_path / "tower.onnx"
    assert check_tower(exported_tower(path), RECORDS, path).max_difference <= 1e-6


@pytest.mark.parametrize("change", [1e-3, float("nan")])
def test_a_graph_of_other_weights_is_refused_by_name(tmp_path: Path, change: float) -> None:
    path = tmp_path / "tower.onnx"
    tower = exported_tower(path)
    with torch.no_grad():
        tower.weight += change
    with pytest.raises(ExportMismatch, match=r"tower\.onnx differs"):
        check_tower(tower, RECORDS, path)


def exported_codec(folder: Path) -> Quantizer:
    quantizer = ResidualConfig(levels=2, codebook_size=16, beam=2).fit(QuantizerData(clustered()), 0, 1)
    one, codes = {"embedding": torch.zeros(3, 12)}, {"codes": torch.zeros(3, 2, dtype=torch.int64)}
    export_graph(quantizer.encode, one, {"embedding": {0: "batch"}}, "codes", folder / "encode.onnx")
    export_graph(quantizer.decode, codes, {"codes": {0: "batch"}}, "embedding", folder / "decode.onnx")
    return quantizer


def test_codes_and_decoded_vectors_of_other_codebooks_are_refused(tmp_path: Path) -> None:
    quantizer = exported_codec(tmp_path)
    paths = tmp_path / "encode.onnx", tmp_path / "decode.onnx"
    assert check_codec(quantizer.encode, quantizer.decode, clustered(), *paths).equal_codes == 1
    other = ResidualConfig(levels=2, codebook_size=16, beam=2).fit(QuantizerData(clustered()[::-1].copy()), 5, 1)
    with pytest.raises(ExportMismatch, match=r"encode\.onnx gives other codes"):
        check_codec(other.encode, quantizer.decode, clustered(), *paths)
    with pytest.raises(ExportMismatch, match=r"decode\.onnx differs"):
        check_codec(quantizer.encode, other.decode, clustered(), *paths)
