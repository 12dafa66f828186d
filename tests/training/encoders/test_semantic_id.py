"""The n-grams of semantic IDs as rows, by hand and by property; what reaches them in training and in the graph."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bundle.features import VectorFeature
from bundle.session import OnnxSession, SessionConfig
from training.encoders.semantic_id import (
    FittedSemanticId,
    PositionRows,
    PrefixRows,
    SemanticIdEncoder,
    SemanticIdFeatureConfig,
    cut,
)
from training.export import export_tower
from training.quantizers.contract import Quantizer, QuantizerData
from training.quantizers.residual import ResidualConfig

DIMENSION = 8


class FirstDigits(nn.Module):
    """Codes that stand in the vector itself."""

    def forward(self, value_BW: Tensor) -> Tensor:
        return value_BW.long() - 1


def built(trained: list[list[int]], **settings: object) -> SemanticIdEncoder:
    """An encoder of vectors that are codes + 1, three levels of 4, after it has met the vectors `trained`."""
    config = SemanticIdFeatureConfig.model_validate({"buckets": 4096, **settings})
    codebooks = tuple(np.zeros((4, 3), dtype=np.float32) for _ in range(3))
    torch.manual_seed(0)
    encoder = FittedSemanticId(config, Quantizer(codebooks, FirstDigits(), nn.Identity())).build(3, DIMENSION)
    assert not encoder.table.weight.any()
    met = torch.tensor(sorted(set(encoder.rows(torch.tensor(trained, dtype=torch.float32)).ravel().tolist())))
    with torch.no_grad():
        encoder.table.weight[met] = torch.randn(len(met), DIMENSION)
        encoder.table.weight[0] = 0
    return encoder


def test_two_items_share_exactly_the_rows_of_their_common_prefix() -> None:
    rng = np.random.default_rng(0)
    code_BL = torch.from_numpy(rng.integers(0, 3, (60, 5)))
    row_BL = PrefixRows(2**30)(code_BL)
    assert row_BL.min() >= 1 and row_BL.max() < 2**30
    same_BBL = code_BL[:, None] == code_BL[None]
    common_BB = same_BBL.long().cumprod(2).sum(2)
    shared_BB = (row_BL[:, None] == row_BL[None]).sum(2)
    assert torch.equal(common_BB, shared_BB)
    assert set(common_BB.ravel().tolist()) == set(range(6))


def test_prefix_rows_by_hand_never_leave_int64() -> None:
    prime, multiplier, size, top = 2_147_483_647, 1_436_079_061, 2**30, 4095
    key, expected = 0, []
    for code in [top] * 8:
        key = (key * multiplier + code + 1) % prime  # Python's own numbers have no end
        expected.append(1 + key % (size - 1))
    assert prime * multiplier + top + 1 < 2**62
    assert PrefixRows(size)(torch.full((1, 8), top))[0].tolist() == expected


def test_prefixes_spread_over_the_table_as_random_rows_would() -> None:
    code_BL = torch.cartesian_prod(*(torch.arange(16) for _ in range(3)))
    row_BL, size = PrefixRows(4096)(code_BL), 4096
    used = len(row_BL[:, 2].unique()) / size
    assert used == pytest.approx(1 - np.exp(-1), abs=0.1)  # 4,096 prefixes of full length on 4,095 rows


def test_rows_of_positions_by_hand() -> None:
    rows = PositionRows([2, 3, 4])
    assert rows.rows == 10
    assert rows(torch.tensor([[0, 0, 0], [1, 2, 3]])).tolist() == [[1, 3, 6], [2, 5, 9]]


def test_an_unseen_item_is_its_seen_prefix_and_what_is_unseen_or_missing_adds_nothing() -> None:
    encoder = built([[1, 1, 1], [1, 1, 2], [4, 1, 1]])
    with torch.no_grad():
        seen, cold, strange, missing = encoder(torch.tensor([[1.0, 1, 1], [1, 1, 3], [2, 1, 1], [0, 0, 0]]))
        first_two = encoder.table(encoder.rows(torch.tensor([[1.0, 1, 1]]))[:, :2]).sum(1)[0]
    assert torch.equal(cold, first_two) and cold.abs().min() > 0
    assert not torch.equal(seen, cold)
    assert strange.abs().max() == 0 and missing.abs().max() == 0


@pytest.mark.parametrize("grams", ["prefix", "position"])
def test_the_gradient_touches_a_row_a_level_and_no_codebook(grams: str) -> None:
    encoder = built([[1, 1, 1], [3, 2, 2]], grams=grams).train()
    encoder(torch.tensor([[3.0, 2, 2], [0, 0, 0]])).sum().backward()
    assert encoder.table.weight.grad is not None
    touched = encoder.table.weight.grad.abs().sum(1).nonzero()[:, 0]
    assert touched.tolist() == sorted(encoder.rows(torch.tensor([[3.0, 2, 2]]))[0].tolist())


def test_a_quantizer_with_weights_is_neither_trained_nor_put_into_training() -> None:
    encode = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    encoder = SemanticIdEncoder(encode, PositionRows([2]), nn.Embedding(3, 2), None, 0.0).train()
    assert encoder.training and not any(module.training for module in encode.modules())
    assert {name for name, weight in encoder.named_parameters() if weight.requires_grad} == {"table.weight"}


def test_cut_keeps_a_prefix_of_the_asked_share_of_records() -> None:
    torch.manual_seed(0)
    kept_BL = cut(torch.arange(1, 5).repeat(4000, 1), 0.6) > 0
    length_B = kept_BL.sum(1)
    assert torch.equal(kept_BL, torch.arange(4) < length_B[:, None])
    share = [(length_B == n).float().mean().item() for n in range(5)]
    assert share == pytest.approx([0, 0.2, 0.2, 0.2, 0.4], abs=0.03)


def test_training_cuts_and_serving_does_not() -> None:
    encoder, value_BW = built([[1, 1, 1]], dropout=0.9), torch.ones(50, 3)
    assert len(encoder.train()(value_BW).unique(dim=0)) == 3
    assert len(encoder.eval()(value_BW).unique(dim=0)) == 1
    one_level = torch.ones(5, 1, dtype=torch.int64)
    assert torch.equal(cut(one_level, 0.9), one_level)


def test_keep_vector_adds_its_projection() -> None:
    encoder, value_BW = built([[1, 1, 1]], keep_vector=True), torch.tensor([[1.0, 1, 1]])
    assert encoder.vector is not None
    expected = encoder.table(encoder.rows(value_BW)).sum(1) + value_BW @ encoder.vector.projection.weight.T
    torch.testing.assert_close(encoder(value_BW), expected)


@pytest.mark.parametrize("grams", ["prefix", "position"])
def test_the_graph_reads_the_same_rows(grams: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    value_NW = rng.normal(size=(2000, 24)).astype(np.float32)
    quantizer = ResidualConfig(codebook_size=32).fit(QuantizerData(value_NW), 0, 1)
    config = SemanticIdFeatureConfig.model_validate({"grams": grams})
    torch.manual_seed(0)
    encoder = FittedSemanticId(config, quantizer).build(24, DIMENSION).eval()
    nn.init.normal_(encoder.table.weight[1:])
    value_NW[::50] = 0
    path = tmp_path / "tower.onnx"
    export_tower(encoder, [VectorFeature(name="v", dimension=24)], {"v": value_NW[:3]}, path)
    with torch.no_grad():
        expected_ND = encoder(torch.from_numpy(value_NW)).numpy()
    session = OnnxSession(path, SessionConfig())
    served_ND = np.concatenate([session.run({"v": part})[0] for part in np.split(value_NW, 40)])
    same_N = np.abs(served_ND - expected_ND).max(1) < 1e-5
    assert same_N.mean() >= 0.999
    assert (served_ND[::50] == 0).all()
