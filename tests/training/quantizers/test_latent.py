"""The latent map starts as principal components and standardises inside."""

import pytest
import torch

from training.errors import BadData
from training.quantizers.latent import Details, LatentDecoder, LatentEncoder, statistics

ROWS = (
    torch.randn(200, 6, generator=torch.Generator().manual_seed(0)) * torch.tensor([9.0, 4.0, 3.0, 2.0, 1.0, 0.5]) + 5
)


def test_an_untrained_map_with_all_components_is_the_identity() -> None:
    fitted = statistics(ROWS, 6)
    decoded = LatentDecoder(fitted, 8)(LatentEncoder(fitted, 8, Details(0, 0.0))(ROWS))
    torch.testing.assert_close(decoded, ROWS, atol=1e-4, rtol=1e-4)


def test_fewer_components_keep_the_directions_of_most_variance() -> None:
    fitted = statistics(ROWS, 2)
    error = (LatentDecoder(fitted, 8)(LatentEncoder(fitted, 8, Details(0, 0.0))(ROWS)) - ROWS).square().sum(1).mean()
    ascending = torch.linalg.eigvalsh(torch.cov(ROWS.T, correction=0))
    assert error.item() == pytest.approx(ascending[:4].sum().item(), rel=1e-3)


def test_standardised_rows_have_mean_0_and_one_scale() -> None:
    rows = LatentEncoder(statistics(ROWS, 3), 8, Details(0, 0.0)).standardised(ROWS)
    assert rows.mean(0).abs().max() < 1e-5
    assert rows.square().mean().item() == pytest.approx(1, abs=1e-5)
    ratio = rows.std(0) / ROWS.std(0)
    torch.testing.assert_close(ratio, ratio[:1].expand(6))


def test_equal_rows_do_not_divide_by_zero() -> None:
    encoder = LatentEncoder(statistics(torch.ones(5, 3), 3), 4, Details(2, 0.1))
    assert encoder(torch.ones(2, 3)).isfinite().all()


def test_details_have_the_variance_asked_for_and_the_decoder_does_not_read_them() -> None:
    torch.manual_seed(0)
    fitted = statistics(ROWS, 6)
    latent = LatentEncoder(fitted, 8, Details(3, 0.1))(ROWS)
    assert latent.shape == (200, 9)
    share = latent[:, 6:].var(0).sum() / latent[:, :6].var(0).sum()
    assert share.item() == pytest.approx(0.1, rel=0.25)
    decoder = LatentDecoder(fitted, 8)
    torch.testing.assert_close(decoder(latent), decoder(latent[:, :6]))


def test_a_number_that_is_not_finite_is_refused_naming_the_row() -> None:
    rows = ROWS.clone()
    rows[7, 2] = torch.nan
    with pytest.raises(BadData, match="row 7"):
        statistics(rows, 2)
