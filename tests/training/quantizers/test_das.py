"""DAS against the contract, against the plain RQ-VAE, and on planted behaviour."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from tests.contracts.quantizer import clustered
from tests.training.quantizers.test_rq_vae import LatentQuantizerContract
from training.errors import BadData
from training.quantizers.contract import Behaviour, Quantizer, QuantizerData
from training.quantizers.das import AlignedQuantizer, DasConfig
from training.quantizers.rq_vae import RqVaeConfig

SMALL = {"codebook_size": 16, "hidden": 16, "steps": 20, "batch_size": 200, "details": 2}


def random_behaviour(n_items: int, n_users: int = 60) -> Behaviour:
    rng = np.random.default_rng(0)
    return Behaviour(rng.integers(0, n_users, 900), rng.integers(0, n_items, 900), n_users)


@dataclass(frozen=True)
class WithBehaviour:
    """Random behaviour for data that have none, so that the contract can be asked of DAS."""

    config: DasConfig

    def check(self, n_items: int) -> None:
        self.config.check(n_items)

    def fit(self, data: QuantizerData, seed: int, threads: int) -> Quantizer:
        behaviour = random_behaviour(len(data.embedding_ND))
        return self.config.fit(QuantizerData(data.embedding_ND, behaviour), seed, threads)


@pytest.mark.parametrize("config", [WithBehaviour(DasConfig(**SMALL, alignment_weight=0.01, pair_batch_size=64))])
class TestDas(LatentQuantizerContract):
    pass


def test_without_alignment_the_codes_are_those_of_the_plain_rq_vae() -> None:
    data = QuantizerData(clustered(), random_behaviour(600))
    mine = DasConfig(**SMALL, alignment_weight=0.0, pair_batch_size=64).fit(data, 3, 1)
    plain = RqVaeConfig(**SMALL).fit(data, 3, 1)
    rows = torch.from_numpy(clustered())
    np.testing.assert_array_equal(mine.encode(rows).numpy(), plain.encode(rows).numpy())
    for left, right in zip(mine.codebooks, plain.codebooks, strict=True):
        np.testing.assert_array_equal(left, right)


def test_users_have_codes_too() -> None:
    data = QuantizerData(clustered(), random_behaviour(600))
    fitted = DasConfig(**SMALL, pair_batch_size=64).fit(data, 0, 1)
    assert isinstance(fitted, AlignedQuantizer)
    code_UL = fitted.encode_user(torch.from_numpy(fitted.user_UD))
    assert code_UL.shape == (len(fitted.query_U), 3)
    assert len(code_UL.unique(dim=0)) > 16


@pytest.mark.parametrize("behaviour", [None, Behaviour(np.zeros(0, np.int64), np.zeros(0, np.int64), 0)])
def test_without_behaviour_the_error_says_what_to_do(behaviour: Behaviour | None) -> None:
    with pytest.raises(BadData, match=r"give interactions, or set quantizer\.kind to 'rq_vae'"):
        DasConfig(**SMALL).fit(QuantizerData(clustered(), behaviour), 0, 1)


def test_too_few_users_are_refused_naming_the_setting() -> None:
    with pytest.raises(BadData, match=r"3 users cannot train 16 codes.*codebook_size to at most 3"):
        DasConfig(**SMALL).fit(QuantizerData(clustered(), random_behaviour(600, 3)), 0, 1)


def planted(seed: int) -> tuple[QuantizerData, np.ndarray]:
    """160 items of 8 text clusters and, across them, 4 groups that users take from; text hints at the group weakly."""
    rng = np.random.default_rng(seed)
    text_N, group_N = rng.integers(0, 8, 160), rng.integers(0, 4, 160)
    embedding_ND = rng.normal(size=(8, 16))[text_N] + 0.5 * rng.normal(size=(4, 16))[group_N]
    embedding_ND = embedding_ND + 0.1 * rng.normal(size=(160, 16))
    users = np.arange(120).repeat(12)
    items = np.concatenate([rng.choice(np.flatnonzero(group_N == user % 4), 12, replace=False) for user in range(120)])
    same_group = (group_N[:, None] == group_N) & (text_N[:, None] != text_N)
    return QuantizerData(embedding_ND.astype(np.float32), Behaviour(users, items, 120)), same_group


def test_items_taken_together_share_first_codes_more_often_with_alignment() -> None:
    gains = []
    for seed in range(5):
        data, same_group_NN = planted(seed)
        shared = []
        for weight in (0.0, 0.5):
            config = DasConfig(
                levels=2, codebook_size=8, hidden=32, steps=120, details=0, alignment_weight=weight, pair_batch_size=128
            )
            code_N = config.fit(data, seed, 1).encode(torch.from_numpy(data.embedding_ND)).numpy()[:, 0]
            together_NN = code_N[:, None] == code_N
            np.fill_diagonal(together_NN, False)
            shared.append(together_NN[same_group_NN].mean() / together_NN.mean())
        gains.append(shared[1] - shared[0])
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / len(gains) ** 0.5
    assert np.mean(gains) > 0.2
