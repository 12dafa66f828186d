"""One ONNX Runtime session: the asked device or an error, one thread that does not spin, warm before first use."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from pydantic import Field

from bundle.config import Config
from bundle.errors import BundleCorrupt, ProviderUnavailable

# A graph with more bytes of weights keeps them in `<its name>.data` beside it: one file of a graph can hold 2 GiB.
ONE_FILE_BYTES = 1_000_000_000
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
# TF32 keeps 10 bits of a product's factors: enough to turn the nearest code into the second.
_OPTIONS: dict[str, dict[str, str]] = {"cpu": {}, "cuda": {"use_tf32": "0"}}
_WARM_UP_BATCHES = (1, 2, 8)
_DTYPES: dict[str, Any] = {"tensor(int64)": np.int64, "tensor(float)": np.float32}


class SessionConfig(Config):
    """How the graphs of a bundle run."""

    device: Literal["cpu", "cuda"] = Field(default="cpu", description="Device of the graphs; never changed silently.")
    threads: int = Field(default=1, ge=1, description="Threads inside one operator; more cost CPU on small towers.")


class OnnxSession:
    """A graph ready to run; `run` may be called from many threads."""

    def __init__(self, path: Path, config: SessionConfig) -> None:
        """Load the graph at `path`; raises ProviderUnavailable or BundleCorrupt."""
        self.device = config.device
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = config.threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        wanted = _PROVIDERS[config.device]
        if wanted not in onnxruntime.get_available_providers():
            raise _unavailable(config, path, "this build of the runtime does not have it")
        if config.device == "cuda":
            onnxruntime.preload_dlls()
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=[(wanted, _OPTIONS[config.device])]
            )
        except Exception as error:  # the runtime raises a family of unrelated classes
            raise BundleCorrupt(f"{path} cannot be loaded as an ONNX graph: {error}", file=path.name) from error
        # The runtime falls back to the CPU without an error, so what it chose is checked, not what was asked.
        started = self._session.get_providers()[0]
        if started != wanted:
            raise _unavailable(config, path, f"it started {started}, so the CUDA libraries or the driver are missing")
        self.input_names = tuple(node.name for node in self._session.get_inputs())
        self.output_names = tuple(node.name for node in self._session.get_outputs())

    def run(self, arrays: Mapping[str, Any]) -> list[Any]:
        """Outputs, in the graph's order, for `arrays` by input name."""
        outputs: list[Any] = self._session.run(None, dict(arrays))
        return outputs

    def output_width(self) -> int:
        """Size of the last axis of the first output."""
        return int(self._session.get_outputs()[0].shape[-1])

    def warm_up(self) -> None:
        """Run zeros of a few batch sizes, so that the first request does not pay for allocation."""
        for batch in _WARM_UP_BATCHES:
            arrays = {}
            for node in self._session.get_inputs():
                shape = [batch, *(axis if isinstance(axis, int) else 4 for axis in node.shape[1:])]
                arrays[node.name] = np.zeros(shape, dtype=_DTYPES[node.type])
            self.run(arrays)


def _unavailable(config: SessionConfig, path: Path, why: str) -> ProviderUnavailable:
    return ProviderUnavailable(
        f"device '{config.device}' was asked for {path.name}, but ONNX Runtime {onnxruntime.__version__} cannot: "
        f"{why}; install the 'gpu' extra on a machine with a GPU, or set device = \"cpu\"",
        device=config.device,
    )
