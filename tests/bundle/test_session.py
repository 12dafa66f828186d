from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from bundle.errors import BundleCorrupt, ProviderUnavailable
from bundle.session import OnnxSession, SessionConfig
from bundle.store import QUERY_TOWER
from bundle.workspace import Workspace
from tests.tiny import tiny_bundle

HAS_CUDA = "CUDAExecutionProvider" in onnxruntime.get_available_providers()


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    collection = Workspace(tmp_path).collection("shop")
    return collection.bundle(tiny_bundle(collection)) / QUERY_TOWER


def test_names_width_and_any_batch(graph: Path) -> None:
    session = OnnxSession(graph, SessionConfig())
    assert (session.input_names, session.output_names, session.output_width()) == (("title",), ("embedding",), 8)
    session.warm_up()
    for batch in (1, 2, 7, 64):
        assert session.run({"title": np.ones((batch, 3), dtype=np.int64)})[0].shape == (batch, 8)


@pytest.mark.skipif(HAS_CUDA, reason="this machine can start CUDA, so nothing has to be refused")
def test_cuda_is_refused_where_it_does_not_start(graph: Path) -> None:
    with pytest.raises(ProviderUnavailable, match="'cuda' was asked for query_tower.onnx.*set device = \"cpu\""):
        OnnxSession(graph, SessionConfig(device="cuda"))


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_CUDA, reason="no CUDA execution provider in this environment")
def test_cuda_gives_the_answers_of_the_cpu(graph: Path) -> None:
    titles = np.arange(12, dtype=np.int64).reshape(4, 3)
    runs = [OnnxSession(graph, SessionConfig(device=d)).run({"title": titles})[0] for d in ("cpu", "cuda")]
    np.testing.assert_allclose(runs[0], runs[1], atol=1e-5)


def test_a_file_that_is_no_graph_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tower.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(BundleCorrupt, match=r"tower\.onnx cannot be loaded as an ONNX graph"):
        OnnxSession(path, SessionConfig())
