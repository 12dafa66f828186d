import numpy as np
import torch

from tests.contracts.quantizer import clustered
from training.quantizers.codes import decode_all, encode_all
from training.quantizers.contract import QuantizerData
from training.quantizers.residual import ResidualConfig


def test_chunks_give_what_the_whole_gives() -> None:
    rows_ND = np.tile(clustered(), (4, 1))  # more than a chunk
    quantizer = ResidualConfig(levels=2, codebook_size=16).fit(QuantizerData(clustered()), 0, 1)
    code_NL = encode_all(quantizer, rows_ND)
    np.testing.assert_array_equal(code_NL, quantizer.encode(torch.from_numpy(rows_ND)).numpy())
    decoded_ND = decode_all(quantizer, code_NL)
    books = zip(quantizer.codebooks, code_NL.T, strict=True)
    np.testing.assert_allclose(decoded_ND, sum(book_KD[code_N] for book_KD, code_N in books), atol=1e-5)
