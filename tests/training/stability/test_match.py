from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tests.contracts.quantizer import clustered
from training.export import export_graph
from training.parity import check_codec
from training.quantizers.codes import encode_all
from training.quantizers.contract import Quantizer, QuantizerData
from training.quantizers.residual import ResidualConfig
from training.ragged import IntArray
from training.stability.contract import Earlier
from training.stability.match import MatchConfig, best_names, renamed

CONFIG = ResidualConfig(levels=2, codebook_size=16)


def test_names_by_hand() -> None:
    """Code 0 was mostly 1, and code 1 mostly 0, at both levels."""
    names = best_names(np.array([[0, 0], [0, 0], [1, 1]]), np.array([[1, 1], [1, 1], [0, 0]]), (2, 2))
    assert [name_K.tolist() for name_K in names] == [[1, 0], [1, 0]]


def test_items_whose_first_code_is_lost_have_no_say_in_the_second() -> None:
    """All were 0 first, so code 0 takes that name; of its four items the second code was 1, of the six others 0."""
    code_NL = np.array([[0, 0]] * 4 + [[1, 0]] * 3 + [[2, 0]] * 3)
    earlier_NL = np.array([[0, 1]] * 4 + [[0, 0]] * 6)
    first_K, second_K = best_names(code_NL, earlier_NL, (3, 2))
    assert first_K[0] == 0
    assert second_K.tolist() == [1, 0]


def test_codes_that_only_lost_their_names_get_them_back() -> None:
    fitted = CONFIG.fit(QuantizerData(clustered()), 0, 1)
    shuffle = [np.random.default_rng(level).permutation(16) for level in range(2)]
    code_NL = encode_all(fitted, clustered())
    earlier = Earlier("b", clustered(), np.stack([shuffle[x][code_NL[:, x]] for x in range(2)], 1), None)
    again = MatchConfig().fit(CONFIG, QuantizerData(clustered()), earlier, 0, 1)
    np.testing.assert_array_equal(encode_all(again, clustered()), earlier.code_NL)


@dataclass(frozen=True)
class _Opaque:
    """A kind whose codebooks nobody may put together: it has no `assemble`."""

    def check(self, n_items: int) -> None:
        pass

    def fit(self, data: QuantizerData, seed: int, threads: int) -> Quantizer:
        return CONFIG.fit(data, seed, threads)


def test_both_ways_of_renaming_agree_and_export(tmp_path: Path) -> None:
    fitted = CONFIG.fit(QuantizerData(clustered()), 0, 1)
    names: list[IntArray] = [np.random.default_rng(level).permutation(16) for level in range(2)]
    reordered, wrapped = renamed(fitted, CONFIG, names), renamed(fitted, _Opaque(), names)  # type: ignore[arg-type]
    code_NL = encode_all(wrapped, clustered())
    np.testing.assert_array_equal(code_NL, encode_all(reordered, clustered()))
    for level in range(2):
        np.testing.assert_array_equal(code_NL[:, level], names[level][encode_all(fitted, clustered())[:, level]])
    np.testing.assert_allclose(
        wrapped.decode(torch.from_numpy(code_NL)), reordered.decode(torch.from_numpy(code_NL)), atol=1e-6
    )
    encode, decode, batch = tmp_path / "encode.onnx", tmp_path / "decode.onnx", {0: "batch"}
    export_graph(wrapped.encode, {"embedding": torch.zeros(3, 12)}, {"embedding": batch}, "codes", encode)
    codes = torch.zeros(3, 2, dtype=torch.int64)
    export_graph(wrapped.decode, {"codes": codes}, {"codes": batch}, "embedding", decode)
    assert check_codec(wrapped.encode, wrapped.decode, clustered(), encode, decode).equal_codes == 1
