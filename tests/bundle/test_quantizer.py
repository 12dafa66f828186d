from pathlib import Path

import numpy as np
import pytest

from bundle.errors import InvalidSemanticId
from bundle.quantizer import SemanticIdCodec
from bundle.store import open_bundle
from bundle.workspace import Workspace
from tests.tiny import tiny_bundle


@pytest.fixture
def codec(tmp_path: Path) -> SemanticIdCodec:
    collection = Workspace(tmp_path).collection("shop")
    codec = open_bundle(collection, tiny_bundle(collection)).semantic_ids
    assert codec is not None
    return codec


def test_codes_do_not_depend_on_batch_mates(codec: SemanticIdCodec) -> None:
    embeddings_ND = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    together = codec.encode(embeddings_ND)
    alone = np.concatenate([codec.encode(row[None]) for row in embeddings_ND])
    np.testing.assert_array_equal(together, alone)


def test_decoding_comes_nearer_than_the_origin_on_average(codec: SemanticIdCodec) -> None:
    codes = codec.space.unpack(np.arange(16, dtype=np.uint64))
    exact = codec.decode(codes)
    again = codec.decode(codec.encode(exact))
    assert ((again - exact) ** 2).sum() < (exact**2).sum() / 4


@pytest.mark.parametrize("codes", [[[0, -1]], [[4, 0]], [[0]]])
def test_a_bad_code_never_reaches_the_graph(codec: SemanticIdCodec, codes: list[list[int]]) -> None:
    with pytest.raises(InvalidSemanticId):
        codec.decode(codes)
