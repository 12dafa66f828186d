"""Where gradients go, what one step order depends on, and how a broken loss ends."""

import pytest
import torch

from tests.contracts.quantizer import clustered
from training.errors import Diverged
from training.quantizers.autoencoder import Autoencoder, AutoencoderConfig, check_finite, learning_rate_factor

ROWS = torch.from_numpy(clustered(100))


def model(**settings: object) -> Autoencoder:
    torch.manual_seed(0)
    config = AutoencoderConfig.model_validate({"codebook_size": 8, "hidden": 8, "details": 0, **settings})
    return Autoencoder(ROWS, config, 0, 1)


@pytest.mark.parametrize("gradient", ["straight_through", "rotation"])
def test_reconstruction_does_not_move_the_codebooks(gradient: str) -> None:
    autoencoder = model(gradient=gradient)
    decoded = autoencoder.decoder.standardised(autoencoder.view(ROWS).passed_Bd)
    (decoded - autoencoder.encoder.standardised(ROWS)).square().mean().backward()  # type: ignore[no-untyped-call]
    assert autoencoder.codebooks.vector_LKd.grad is None
    assert autoencoder.encoder.linear.grad is not None
    assert autoencoder.encoder.linear.grad.abs().max() > 0


@pytest.mark.parametrize(("commitment", "moves"), [(0.0, False), (0.25, True)])
def test_without_commitment_codes_do_not_pull_the_encoder(commitment: float, moves: bool) -> None:
    autoencoder = model(commitment=commitment)
    autoencoder._code_loss(autoencoder.view(ROWS).quantized).backward()  # type: ignore[no-untyped-call]
    pulled = autoencoder.encoder.linear.grad
    assert (pulled is not None and bool(pulled.abs().max() > 0)) == moves
    assert autoencoder.codebooks.vector_LKd.grad is not None
    assert autoencoder.codebooks.vector_LKd.grad.abs().max() > 0


def test_the_mean_over_levels_is_the_sum_divided_by_them() -> None:
    losses = [model(level_loss=kind)._code_loss(model().view(ROWS).quantized).item() for kind in ("sum", "mean")]
    assert losses[0] == pytest.approx(3 * losses[1])


def test_dropped_prefixes_keep_at_least_one_level_and_no_gap() -> None:
    kept = model(prefix_dropout=1.0)._kept_levels(500, torch.Generator().manual_seed(0))
    assert set(kept.sum(1).tolist()) == {1, 2}
    assert (kept[:, :-1] | ~kept[:, 1:]).all()


def test_a_loss_that_is_not_finite_names_the_step_and_the_setting() -> None:
    with pytest.raises(Diverged, match=r"nan at step 7; lower quantizer\.learning_rate"):
        check_finite(torch.tensor(torch.nan), 7)


def test_the_learning_rate_rises_and_falls_to_0() -> None:
    factors = [learning_rate_factor(step, 1000) for step in range(1000)]
    assert factors[0] < 0.05
    assert max(factors) > 0.98
    assert factors[-1] < 1e-4
