"""RQ-VAE against the contract of all quantizers."""

import numpy as np
import pytest
import torch

from tests.contracts.quantizer import QuantizerContract, clustered
from training.quantizers.contract import Quantizer, QuantizerData
from training.quantizers.rq_vae import RqVaeConfig

SMALL = RqVaeConfig(codebook_size=16, hidden=16, steps=30, batch_size=200, details=2)


class LatentQuantizerContract(QuantizerContract):
    """What of the contract is told apart where code vectors add up in a latent space."""

    def test_each_level_brings_the_decoded_nearer(self, quantizer: Quantizer) -> None:
        code_NL = torch.from_numpy(self.codes(quantizer, clustered()))
        residual_Nd = quantizer.encode.encoder(torch.from_numpy(clustered()))  # type: ignore[operator]
        spread = [float((residual_Nd - residual_Nd.mean(0)).square().sum())]
        for level, codebook_Kd in enumerate(quantizer.codebooks):
            residual_Nd = residual_Nd - torch.from_numpy(codebook_Kd)[code_NL[:, level]]
            spread.append(float(residual_Nd.square().sum()))
        assert spread == sorted(spread, reverse=True)
        error = np.square(quantizer.decode(code_NL).numpy() - clustered()).sum()
        assert error < 0.3 * np.square(clustered() - clustered().mean(0)).sum()


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        SMALL.model_copy(update={"gradient": "rotation", "codebook_update": "ema", "reset_every": 10}),
        SMALL.model_copy(update={"assign": "sinkhorn", "level_loss": "mean", "reconstruction": "both"}),
        SMALL.model_copy(update={"assign": "partial", "prefix_dropout": 0.3}),
    ],
    ids=["defaults", "rotation-ema", "sinkhorn-contrast", "partial-prefixes"],
)
class TestRqVae(LatentQuantizerContract):
    pass


def test_training_lowers_the_error_of_the_start() -> None:
    """No step is residual k-means on principal components; here two of twelve, which the network can better."""
    error = {}
    for steps in (0, 300):
        config = RqVaeConfig(levels=2, codebook_size=16, latent=2, details=0, steps=steps, batch_size=300)
        quantizer = config.fit(QuantizerData(clustered()), 0, 1)
        decoded_ND = quantizer.decode(quantizer.encode(torch.from_numpy(clustered()))).numpy()
        error[steps] = float(np.square(decoded_ND - clustered()).sum())
    assert error[300] < 0.8 * error[0]


def test_near_duplicates_share_an_id_without_details_and_mostly_not_with_them() -> None:
    rng = np.random.default_rng(0)
    centre_ND = rng.normal(size=(150, 24)).repeat(4, axis=0)
    rows_ND = (centre_ND + 0.05 * rng.normal(size=centre_ND.shape)).astype(np.float32)
    unique = {}
    for details in (0, 4):
        config = RqVaeConfig(codebook_size=32, hidden=16, steps=20, details=details, detail_variance=0.2)
        code_NL = config.fit(QuantizerData(rows_ND), 0, 1).encode(torch.from_numpy(rows_ND)).numpy()
        unique[details] = len(np.unique(code_NL, axis=0)) / len(rows_ND)
    assert unique[4] > unique[0] + 0.1
