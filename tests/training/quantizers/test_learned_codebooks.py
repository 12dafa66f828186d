"""Learned codebooks against the hand case of residual quantization, and the cures for dead codes."""

import numpy as np
import torch

from training.quantizers.learned_codebooks import LearnedCodebooks, kmeans_codebooks

ROWS = torch.tensor([[4.9, 4.2], [0.1, 0.8], [3.2, 4.1], [0.1, -0.7]])


def by_hand() -> LearnedCodebooks:
    first = [[0.0, 0.0], [4.0, 4.0], [90.0, 90.0], [-90.0, 90.0]]
    second = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]
    return LearnedCodebooks(torch.tensor([first, second]), rows=4)


def test_codes_and_residuals_by_hand() -> None:
    quantized = by_hand()(ROWS)
    assert quantized.code_BL.tolist() == [[1, 0], [0, 1], [1, 2], [0, 3]]
    total = quantized.chosen_BLd.sum(1)
    torch.testing.assert_close(total, torch.tensor([[5.0, 4.0], [0.0, 1.0], [3.0, 4.0], [0.0, -1.0]]))
    torch.testing.assert_close(quantized.residual_BLd[:, 1].square().sum(1).mean(), torch.tensor(0.6625))
    torch.testing.assert_close((ROWS - total).square().sum(1).mean(), torch.tensor(0.0625))


def test_what_is_chosen_and_what_is_left_add_up() -> None:
    codebooks = LearnedCodebooks(torch.randn(3, 8, 5, generator=torch.Generator().manual_seed(0)), rows=50)
    rows = torch.randn(50, 5, generator=torch.Generator().manual_seed(1))
    quantized = codebooks(rows)
    for level in range(2):
        left = quantized.residual_BLd[:, level] - quantized.chosen_BLd[:, level]
        torch.testing.assert_close(left, quantized.residual_BLd[:, level + 1])
    turned = torch.tensor([3, 1, 2, 0])
    torch.testing.assert_close(codebooks(rows[turned]).code_BL, quantized.code_BL[turned])


def test_running_means_follow_the_formula() -> None:
    codebooks = by_hand()
    quantized = codebooks(ROWS)
    codebooks.average(quantized, decay=0.5)
    # Code 1 of level 0 had 1 row at (4, 4) and sees 2 rows that sum to (8.1, 8.3).
    expected = (0.5 * torch.tensor([4.0, 4.0]) + 0.5 * torch.tensor([8.1, 8.3])) / 1.5
    torch.testing.assert_close(codebooks.vector_LKd[0, 1].detach(), expected, atol=1e-3, rtol=0)


def test_a_dead_code_comes_back_on_a_residual_of_the_batch() -> None:
    codebooks = by_hand()
    for _ in range(200):
        codebooks.count(codebooks(ROWS))
    before = codebooks.vector_LKd.detach().clone()
    assert codebooks.revive(codebooks(ROWS), torch.Generator().manual_seed(0)) == 2
    moved = codebooks.vector_LKd[0, 2:].detach()
    assert all(any(torch.equal(vector, row) for row in ROWS) for vector in moved)
    assert torch.equal(codebooks.vector_LKd[0, :2], before[0, :2])
    assert torch.equal(codebooks.vector_LKd[1], before[1])
    assert len(codebooks(ROWS).code_BL[:, 0].unique()) >= 3
    assert codebooks.revive(codebooks(ROWS), torch.Generator().manual_seed(0)) == 0


def test_init_is_fitted_on_what_the_level_before_really_left() -> None:
    rows = np.array([[100 * a + b, 0] for a in range(3) for b in (-1, 1)], dtype=np.float32).repeat(8, axis=0)
    codebooks = LearnedCodebooks(kmeans_codebooks(rows, 2, 4, seed=0, threads=1), rows=48)
    total = codebooks(torch.from_numpy(rows)).chosen_BLd.sum(1)
    one_level = LearnedCodebooks(kmeans_codebooks(rows, 1, 4, seed=0, threads=1), rows=48)
    left = (torch.from_numpy(rows) - one_level(torch.from_numpy(rows)).chosen_BLd[:, 0]).square().sum()
    assert left > 1
    assert (torch.from_numpy(rows) - total).square().sum() < 1e-3 * left
