"""Opens the earlier bundle of a collection and asks it for the codes of today's items.

Axes: N items, B items of a batch, L levels, K codes of a level, d the earlier embedding, R rows of all codebooks.
"""

from pathlib import Path

import numpy as np
import onnx

from bundle.errors import ConfigError
from bundle.quantizer import SemanticIdCodec
from bundle.store import SEMANTIC_ID_DECODE, Bundle, list_bundles, open_bundle, read_bundle_manifest
from bundle.workspace import Collection
from training.dataset import Dataset
from training.quantizers import QuantizerConfig
from training.ragged import FloatArray
from training.records import encode_items
from training.stability.contract import NEWEST, Earlier

_ITEMS_A_BATCH = 64
_CHECKED_CODES = 64
_TOLERANCE = 1e-4


def find_earlier(collection: Collection, bundle_id: str) -> str | None:
    """The id meant by 'newest', None while the collection has no bundle with semantic IDs; any other id as it is.

    Raises BundleNotFound, and ConfigError for a bundle without semantic IDs.
    """
    if bundle_id == NEWEST:
        ids = reversed(list_bundles(collection))
        return next((i for i in ids if read_bundle_manifest(collection, i).semantic_id_codebooks is not None), None)
    if read_bundle_manifest(collection, bundle_id).semantic_id_codebooks is None:
        raise _without_semantic_ids(bundle_id)
    return bundle_id


def check_sizes(collection: Collection, bundle_id: str, quantizer: QuantizerConfig) -> None:
    """Raise ConfigError when codes of the bundle cannot be compared with codes of this quantizer."""
    old = read_bundle_manifest(collection, bundle_id).semantic_id_codebooks
    codebook_sizes = (quantizer.codebook_size,) * quantizer.levels
    if old != codebook_sizes:
        raise ConfigError(
            f"bundle {bundle_id} has semantic IDs of {_sizes(old or ())} codes, not {_sizes(codebook_sizes)}; "
            "codes of other sizes cannot be compared: make them equal, or leave semantic_id_stability out this once"
        )


def earlier_codes(collection: Collection, bundle_id: str, dataset: Dataset) -> Earlier:
    """Embeddings, codes and codebooks of the bundle for the items of `dataset`.

    Raises BundleCorrupt, ConfigError, or InvalidTable for an item that the bundle cannot read.
    """
    bundle = open_bundle(collection, bundle_id)
    codec = bundle.semantic_ids
    if codec is None:
        raise _without_semantic_ids(bundle_id)
    records = encode_items(dataset, bundle.item.featurizer)
    embedding_Nd = np.empty((len(records), bundle.item.dimension), dtype=np.float32)
    parts = []
    for start in range(0, len(records), _ITEMS_A_BATCH):
        rows_B = np.arange(start, min(start + _ITEMS_A_BATCH, len(records)))
        embedding_Nd[rows_B] = bundle.item.embed_batch(records.batch(rows_B))
        parts.append(codec.encode(embedding_Nd[rows_B]))
    return Earlier(bundle_id, embedding_Nd, np.concatenate(parts), _codebooks(bundle, codec))


def _codebooks(bundle: Bundle, codec: SemanticIdCodec) -> tuple[FloatArray, ...] | None:
    """The rows of the decode graph's one table of code vectors, where decoding is no more than their sum."""
    sizes = codec.space.codebook_sizes
    rows_Rd = _table(bundle.folder / SEMANTIC_ID_DECODE, (sum(sizes), bundle.manifest.dimension))
    if rows_Rd is None:
        return None
    first_L = np.cumsum([0, *sizes[:-1]])
    code_BL = np.random.default_rng(0).integers(0, sizes, (_CHECKED_CODES, len(sizes)))
    expected_Bd = codec.decode(code_BL)
    apart = np.abs(rows_Rd[code_BL + first_L].sum(1) - expected_Bd).max()
    if apart > _TOLERANCE * max(1.0, float(np.abs(expected_Bd).max())):
        return None
    return tuple(np.split(rows_Rd, np.cumsum(sizes[:-1])))


def _table(path: Path, shape: tuple[int, int]) -> FloatArray | None:
    """The float table of that shape in the graph; None unless there is exactly one."""
    stored = onnx.load(path).graph.initializer
    found = [one for one in stored if tuple(one.dims) == shape and one.data_type == onnx.TensorProto.FLOAT]
    return np.array(onnx.numpy_helper.to_array(found[0])) if len(found) == 1 else None


def _without_semantic_ids(bundle_id: str) -> ConfigError:
    return ConfigError(f"bundle {bundle_id} has no semantic IDs; name another in semantic_id_stability.bundle")


def _sizes(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))
