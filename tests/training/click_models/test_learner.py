"""Learning from simulated clicks: what dual learning recovers, and what the missing detach breaks."""

import logging
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bundle.progress import NoProgress
from tests.training.click_models.toy import MAX_GRADE, ndcg, toy_lists
from training.click_models import ClickModelConfig
from training.click_models.descent import DescentConfig
from training.click_models.dla import DlaConfig, DualLearningLoss
from training.click_models.ipw import IpwConfig
from training.click_models.learner import ClickTraining, ClickTrainingConfig, learn_from_clicks, learn_from_grades
from training.click_models.listwise import list_log_softmax, weighted_listwise_loss
from training.click_models.log import ClickLog
from training.click_models.naive import NaiveConfig
from training.click_models.scorer import FeatureScorer, FeatureScorerConfig
from training.click_models.simulate import ClickSimulation, simulate
from training.errors import BadData, Diverged

FEATURES, LISTS = toy_lists(150, n_candidates=5)
TEST_FEATURES, TEST_LISTS = toy_lists(300, seed=1)
FLAT = FEATURES.reshape(-1, 4)
SIMULATION = ClickSimulation(eta=1, places=5, swap_share=0.2)
STEPS = 500


@dataclass(frozen=True)
class Learned:
    training: ClickTraining
    ndcg: float


def learn(model: ClickModelConfig, simulation: ClickSimulation = SIMULATION, steps: int = STEPS) -> Learned:
    log = simulate(LISTS, simulation, 30_000, np.random.default_rng(0))
    scorer = fresh()
    config = ClickTrainingConfig(model=model, steps=steps)
    training = learn_from_clicks(scorer, log, [FLAT], config, NoProgress(), np.random.default_rng(0))
    return Learned(training, exam(scorer))


def fresh() -> FeatureScorer:
    torch.manual_seed(0)
    return FeatureScorerConfig(hidden=16).build(FLAT)


def exam(scorer: nn.Module) -> float:
    with torch.no_grad():
        return ndcg(scorer(torch.from_numpy(TEST_FEATURES)).numpy(), TEST_LISTS.grade_QC)


@pytest.fixture(scope="module")
def dual() -> Learned:
    return learn(DlaConfig())


@pytest.fixture(scope="module")
def naive() -> Learned:
    return learn(NaiveConfig())


def test_dual_learning_recovers_the_propensities(dual: Learned) -> None:
    assert dual.training.propensity_P == pytest.approx(SIMULATION.propensities()[:5], abs=0.05)
    assert dual.training.findings == ()


def test_dual_learning_ranks_as_if_it_knew_them_and_better_than_raw_clicks(dual: Learned, naive: Learned) -> None:
    known = learn(IpwConfig())
    assert dual.ndcg == pytest.approx(known.ndcg, abs=0.005)
    assert dual.ndcg > naive.ndcg + 0.005
    assert known.training.propensity_P == pytest.approx(SIMULATION.propensities()[:5])
    assert naive.training.effective_clicks == naive.training.clicks
    assert known.training.effective_clicks < 0.9 * known.training.clicks


def test_dual_learning_comes_near_to_true_grades(dual: Learned) -> None:
    scorer, gain = fresh(), (2**LISTS.grade_QC - 1).astype(np.float32)
    learn_from_grades(
        scorer, FEATURES, gain, LISTS.mask_QC, DescentConfig(steps=STEPS), NoProgress(), np.random.default_rng(0)
    )
    assert dual.ndcg > exam(scorer) - 0.01


def test_without_position_bias_nothing_is_lost() -> None:
    even = ClickSimulation(eta=0, places=5, swap_share=0.2)
    found = learn(DlaConfig(), even)
    assert np.abs(found.training.propensity_P - 1).mean() < 0.1
    assert found.ndcg == pytest.approx(learn(NaiveConfig(), even).ndcg, abs=0.004)


def test_a_log_without_variation_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = learn(DlaConfig(), ClickSimulation(eta=1, places=5, swap_share=0), steps=5)
    codes = [finding.code for finding in found.training.findings]
    assert "deterministic-logging" in codes
    assert [record.code for record in caplog.records] == codes  # type: ignore[attr-defined]


class Attached(DualLearningLoss):
    """Dual learning with the mistake that the detach prevents: both losses reach both models."""

    def forward(self, score_QK: Tensor, click_QK: Tensor, mask_QK: Tensor, position_QK: Tensor) -> Tensor:
        examination = list_log_softmax(self.examination_P[position_QK - 1], mask_QK)
        relevance = list_log_softmax(score_QK, mask_QK)
        weights = [(log[:, :1] - log).exp().clamp(max=self.max_weight) for log in (examination, relevance)]
        ranking = weighted_listwise_loss(relevance, click_QK * weights[0], mask_QK, self_normalised=False)
        return ranking + weighted_listwise_loss(examination, click_QK * weights[1], mask_QK, self_normalised=False)


def test_weights_with_a_gradient_would_learn_neither(dual: Learned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DlaConfig, "build", lambda config, log: Attached(log.n_places, config.max_weight))
    broken = learn(DlaConfig(), steps=200)
    truth = SIMULATION.propensities()[:5]
    assert np.abs(broken.training.propensity_P - truth).max() > 0.5
    assert np.abs(dual.training.propensity_P - truth).max() < 0.05
    assert "propensities-not-decreasing" in [finding.code for finding in broken.training.findings]


def test_any_module_from_features_to_scores_can_be_trained() -> None:
    class Linear(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight_F = nn.Parameter(torch.zeros(4))

        def forward(self, feature_BKF: Tensor) -> Tensor:
            return feature_BKF @ self.weight_F

    log = simulate(LISTS, SIMULATION, 5_000, np.random.default_rng(0))
    scorer = Linear()
    learn_from_clicks(scorer, log, [FLAT], ClickTrainingConfig(steps=150), NoProgress(), np.random.default_rng(0))
    assert not scorer.training
    assert exam(scorer) > 0.9


def test_a_scorer_may_read_categories_beside_numbers() -> None:
    class WithCategory(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(8, 1)
            nn.init.zeros_(self.table.weight)

        def forward(self, feature_BKF: Tensor, category_BK: Tensor) -> Tensor:
            worth: Tensor = self.table(category_BK)[..., 0]
            return worth + 0 * feature_BKF.sum(-1)

    # The category is the grade itself, so its worth must rise with it.
    category_N = LISTS.grade_QC.reshape(-1).astype(np.int64)
    log = simulate(LISTS, SIMULATION, 5_000, np.random.default_rng(0))
    config = ClickTrainingConfig(steps=100, learning_rate=0.05)
    scorer = WithCategory()
    learn_from_clicks(scorer, log, [FLAT, category_N], config, NoProgress(), np.random.default_rng(0))
    worth = scorer.table.weight.detach()[:4, 0].tolist()
    assert worth == sorted(worth) and worth[3] > worth[0] + 1, worth


def test_the_same_seed_gives_the_same_scorer() -> None:
    log = simulate(LISTS, SIMULATION, 2_000, np.random.default_rng(0))
    weights = []
    for _ in range(2):
        scorer = fresh()
        learn_from_clicks(scorer, log, [FLAT], ClickTrainingConfig(steps=20), NoProgress(), np.random.default_rng(3))
        weights.append(torch.cat([weight.detach().flatten() for weight in scorer.parameters()]))
    assert torch.equal(*weights)


def test_what_cannot_be_learned_from_is_refused() -> None:
    log = simulate(LISTS, SIMULATION, 100, np.random.default_rng(0))
    config, rng = ClickTrainingConfig(steps=1), np.random.default_rng(0)
    with pytest.raises(BadData, match="the click log has 750 pairs, but 10 have features"):
        learn_from_clicks(fresh(), log, [FLAT[:10]], config, NoProgress(), rng)
    quiet = ClickLog(log.pair_QK, np.zeros_like(log.click_QK), log.mask_QK, log.position_QK, log.n_pairs)
    with pytest.raises(BadData, match="teaches no order"):
        learn_from_clicks(fresh(), quiet, [FLAT], config, NoProgress(), rng)
    with pytest.raises(Diverged, match="not finite"):
        learn_from_clicks(fresh(), log, [FLAT * np.float32(np.nan)], config, NoProgress(), rng)
    with pytest.raises(BadData, match="no list has an item with a gain"):
        learn_from_grades(fresh(), FEATURES, np.zeros((150, 5), np.float32), LISTS.mask_QC, config, NoProgress(), rng)
    assert MAX_GRADE == LISTS.max_grade
