from pathlib import Path

import faiss
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bundle.errors import ConfigError
from bundle.quantizer import SemanticIdCodec
from bundle.semantic_id import SemanticIdSpace
from bundle.session import OnnxSession, SessionConfig
from index.codebooks import additive_codebooks
from tests.contracts.index_kind import DIMENSION, clustered, coded
from tests.tiny import residual_codec


def test_the_rows_of_any_codes_sum_to_what_they_decode_to() -> None:
    corpus = coded(clustered(500), (32, 8, 5))
    assert corpus.codes is not None
    codec = corpus.codes.codec
    tables = additive_codebooks(codec, corpus.codes.codes_NL)
    assert [table_KD.shape for table_KD in tables] == [(32, DIMENSION), (8, DIMENSION), (5, DIMENSION)]
    codes_NL = np.random.default_rng(1).integers(0, (32, 8, 5), (200, 3))
    summed_ND = sum(table_KD[codes_NL[:, level]] for level, table_KD in enumerate(tables))
    np.testing.assert_allclose(summed_ND, codec.decode(codes_NL), rtol=0, atol=1e-5)


def test_the_levels_after_a_prefix_count_as_their_mean_over_the_corpus() -> None:
    # Every item has code 1 at level 1, so a prefix (k) stands for C0[k] + C1[1], whatever the other codes are.
    first_KD, second_KD = np.eye(4, dtype=np.float32), np.full((2, 4), 7, dtype=np.float32)
    second_KD[1] = (0.5, 0, 0, 0.25)
    codec = residual_codec([first_KD, second_KD])
    codes_NL = np.array([[0, 1], [1, 1], [3, 1]])
    tables = additive_codebooks(codec, codes_NL)
    np.testing.assert_allclose(tables[0], first_KD + second_KD[1], atol=1e-6)
    np.testing.assert_allclose(tables[1], second_KD - second_KD[1], atol=1e-6)


def test_scores_of_codes_in_faiss_are_the_scores_of_decoded_vectors() -> None:
    corpus = coded(clustered(300), (16, 8))
    assert corpus.codes is not None
    codec, codes_NL = corpus.codes.codec, corpus.codes.codes_NL
    quantizer = faiss.ResidualQuantizer(DIMENSION, _sizes(4, 3))
    tables = additive_codebooks(codec, codes_NL)
    faiss.copy_array_to_vector(np.concatenate(tables).ravel(), quantizer.codebooks)
    quantizer.is_trained = True
    packed = np.empty((len(codes_NL), quantizer.code_size), dtype=np.uint8)
    codes_32 = np.ascontiguousarray(codes_NL, dtype=np.int32)
    quantizer.pack_codes(len(codes_32), faiss.swig_ptr(codes_32), faiss.swig_ptr(packed))
    index = faiss.IndexResidualQuantizer(DIMENSION, _sizes(4, 3), faiss.METRIC_INNER_PRODUCT)
    faiss.copy_array_to_vector(np.concatenate(tables).ravel(), index.rq.codebooks)
    index.rq.is_trained = index.is_trained = True
    index.add_sa_codes(packed)
    query_BD = clustered(5, seed=4)
    scores_BK, rows_BK = index.search(query_BD, 300)
    expected_BN = query_BD @ codec.decode(codes_NL).T
    np.testing.assert_allclose(scores_BK, np.take_along_axis(expected_BN, rows_BK, axis=1), rtol=0, atol=1e-4)


def test_a_decoder_that_is_no_sum_is_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["codes"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceProd", ["numbers"], ["embedding"], axes=[1]),
    ]
    codes = helper.make_tensor_value_info("codes", TensorProto.INT64, ["batch", 2])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 1])
    graph = helper.make_graph(nodes, "product", [codes], [embedding])
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "decode.onnx")
    session = OnnxSession(tmp_path / "decode.onnx", SessionConfig())
    with pytest.raises(ConfigError, match="sum of one vector a level"):
        additive_codebooks(SemanticIdCodec(session, session, SemanticIdSpace((4, 4))), np.zeros((1, 2), dtype=np.int64))


def _sizes(*bits: int) -> faiss.UInt64Vector:
    vector = faiss.UInt64Vector()
    for bit in bits:
        vector.push_back(bit)
    return vector
