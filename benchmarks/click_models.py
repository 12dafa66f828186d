"""Learning to rank from clicks: simulated clicks over real grades, and how much of the grades they teach.

Run with `python -m benchmarks.click_models --data FOLDER`; `--quick` for a minute, `--dry` to write nothing.

Letters: Q training queries, C candidates of each, N pairs, F features.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

import numpy as np
import torch
from torch import nn

from benchmarks.graded_debian import debian_lists
from benchmarks.graded_lists import GradedTask
from benchmarks.graded_medquad import medquad_lists
from benchmarks.parts import Budget, Part, run_parts
from benchmarks.report import Row, rows_of
from bundle.progress import NoProgress
from training.click_models import ClickModelConfig
from training.click_models.descent import DescentConfig
from training.click_models.dla import DlaConfig
from training.click_models.ipw import IpwConfig
from training.click_models.learner import ClickTraining, ClickTrainingConfig, learn_from_clicks, learn_from_grades
from training.click_models.naive import NaiveConfig
from training.click_models.scorer import FeatureScorer, FeatureScorerConfig
from training.click_models.simulate import ClickSimulation, GradedLists, simulate
from training.ragged import FloatArray, IntArray

OPENING = """
Simulated clicks over real grades. A list of at most ten places is the order of BM25, in which every place of every
list changes its item with a random place with probability .1 (`deterministic`: never). Place p is looked at with
probability (1/p)^eta, an item that is looked at is clicked with probability .1 + .9 (2^grade - 1) / 7. 200,000 lists
of training queries drawn evenly. All methods train the same scorer over the same features (one layer of 32), from the
same start, with the same steps; no setting was chosen by test queries. `naive`: clicks as labels. `ipw`: weighted by
the true propensities. `dla`: dual learning, which is told nothing. `true-labels`: a listwise softmax on the grades of
all candidates, stopped after a sixteenth, eighth, quarter, half or all of the steps, whichever is best on a quarter of
the training queries, and trained anew on all of them. `logging`: the order that is varied and shown.

`ndcg@10`: over the candidates of the test queries, on true grades, gain 2^grade - 1. `gap_to_true_labels`: what that
lacks to `true-labels` of the same seed and split; below 0 it is more. `propensity_error`: the largest distance of a
place's learned propensity, over that of place 1, from (1/p)^eta; `propensity_mean_error`: the mean over the places.
`detected`: share of the runs that warned of `deterministic-logging`. `effective_clicks`: (sum w)^2 / sum w^2 over the
clicks, w the weight of a click by the propensity of its place.
"""
MEDQUAD = """
The 60 questions of the LiveQA track with an answer that people graded 1 or more, of 3, and all their judged answers,
filled up to ten with the answers that BM25 finds best and nobody judged, as grade 0. Features: BM25 and overlap of
words by field, lengths, cosines of frozen MiniLM. Every question is tested, by a scorer that was trained on the other
half; halves are drawn with the seed. With 60 queries the standard error of an nDCG is about .03, that of a difference
less. 2,000 steps. Too few queries to compare with `true-labels` to a hundredth: that alone is stopped early, and
30 training queries are learned by heart in the steps that the click models take, with the true propensities (`ipw`) as
much as without. What clicks lack themselves shows on the larger source.
"""
DEBIAN = """
The larger source. 2,000 training and 900 test packages with two tags and more outside the facets role, devel and
implemented-in; no source package stands in both. Ten candidates each, from the same part: BM25's five best (synopsis
over descriptions), and five drawn from its next 95. The grade is derived from tags that people gave: the share of tags
that both packages have of those that either has, 0 none, 1 up to a third, 2 up to two thirds, 3 above; an absent tag
is unknown, not wrong. Features: BM25, cosine of TF-IDF, overlap of words, names, dependencies and sections, lengths.
4,000 steps.
"""
_LISTS, _QUICK_LISTS = 200_000, 20_000
_DETERMINISTIC = "dla-deterministic"


def measure(task: GradedTask, budget: Budget, steps: int) -> list[Row]:
    """Every method at eta 1 and 2, over seeds; a row is the mean over the folds of a seed, then over seeds."""
    folds = {
        seed: [_Fold(task, *fold, seed, steps, budget.quick) for fold in task.folds(seed)]
        for seed in range(budget.seeds)
    }
    rows = []
    for eta in (1.0, 2.0):
        runs: dict[str, list[Mapping[str, float]]] = defaultdict(list)
        for seed, of_seed in folds.items():
            measured = [fold.run(eta) for fold in of_seed]
            for method in measured[0]:
                each = [fold[method] for fold in measured]
                runs[method].append({name: float(np.mean([m[name] for m in each])) for name in each[0]})
                print(f"{task.name} eta {eta:g} seed {seed} {method}: {runs[method][-1]}", flush=True)
        for method, found in runs.items():
            rows += rows_of(f"{task.name}-eta-{eta:g}", method, found)
    return rows


class _Fold:
    """One split of a task's queries: the methods, each from the same start."""

    def __init__(self, task: GradedTask, train: IntArray, test: IntArray, seed: int, steps: int, quick: bool) -> None:
        self._task, self._train, self._test, self._seed = task, train, test, seed
        self._lists: GradedLists = task.lists.take(train)
        self._feature_QCF: FloatArray = task.feature_QCF[train]
        self._n_lists = _QUICK_LISTS if quick else _LISTS
        self._descent = DescentConfig(steps=steps // 10 if quick else steps)

    def run(self, eta: float) -> dict[str, dict[str, float]]:
        """The measures of every method under clicks of that eta."""
        best, simulation = self._from_grades, ClickSimulation(eta=eta)
        logged = self._task.ndcg(self._task.lists.score_QC, self._test)
        found = {"true-labels": {"ndcg@10": best}, "logging": {"ndcg@10": logged, "gap_to_true_labels": best - logged}}
        models: dict[str, ClickModelConfig] = {"naive": NaiveConfig(), "ipw": IpwConfig(), "dla": DlaConfig()}
        for name, model in models.items():
            found[name] = self._from_clicks(model, simulation, best)
        fixed = simulation.model_copy(update={"swap_share": 0.0})
        return {**found, _DETERMINISTIC: self._from_clicks(DlaConfig(), fixed, best)}

    def _from_clicks(self, model: ClickModelConfig, simulation: ClickSimulation, best: float) -> dict[str, float]:
        log = simulate(self._lists, simulation, self._n_lists, np.random.default_rng(self._seed))
        scorer = self._fresh()
        config = ClickTrainingConfig(model=model, **self._descent.model_dump())
        feature_NF = self._feature_QCF.reshape(-1, self._feature_QCF.shape[2])
        trained = learn_from_clicks(scorer, log, [feature_NF], config, NoProgress(), np.random.default_rng(self._seed))
        ndcg = self._exam(scorer, self._test)
        measures = {"ndcg@10": ndcg, "gap_to_true_labels": best - ndcg, "effective_clicks": trained.effective_clicks}
        return measures | (_propensities(trained, simulation) if model.kind == "dla" else {})

    @cached_property
    def _from_grades(self) -> float:
        """nDCG of the scorer that is trained on true grades, for as long as does best on a quarter left out."""
        rows = np.random.default_rng(self._seed).permutation(len(self._train))
        out, kept = rows[: len(rows) // 4], rows[len(rows) // 4 :]
        tried = [max(1, self._descent.steps // part) for part in (16, 8, 4, 2, 1)]
        best = max(tried, key=lambda steps: self._exam(self._taught(kept, steps), self._train[out]))
        return self._exam(self._taught(rows, best), self._test)

    def _taught(self, rows: IntArray, steps: int) -> FeatureScorer:
        """A scorer trained on the grades of these training queries."""
        lists, scorer, rng = self._lists.take(rows), self._fresh(), np.random.default_rng(self._seed)
        config = self._descent.model_copy(update={"steps": steps})
        gain_QC = (2**lists.grade_QC - 1).astype(np.float32)
        learn_from_grades(scorer, self._feature_QCF[rows], gain_QC, lists.mask_QC, config, NoProgress(), rng)
        return scorer

    def _fresh(self) -> FeatureScorer:
        torch.manual_seed(self._seed)
        return FeatureScorerConfig(hidden=32).build(self._feature_QCF[self._lists.mask_QC])

    def _exam(self, scorer: nn.Module, rows: IntArray) -> float:
        with torch.no_grad():
            score_QC = scorer(torch.from_numpy(self._task.feature_QCF)).numpy()
        return self._task.ndcg(score_QC, rows)


def _propensities(trained: ClickTraining, simulation: ClickSimulation) -> dict[str, float]:
    error_P = np.abs(trained.propensity_P - simulation.propensities()[: len(trained.propensity_P)])
    detected = any(finding.code == "deterministic-logging" for finding in trained.findings)
    return {
        "propensity_error": float(error_P.max()),
        "propensity_mean_error": float(error_P.mean()),
        "detected": float(detected),
    }


def _medquad(budget: Budget) -> list[Row]:
    return measure(medquad_lists(budget.data, budget.cache), budget, 2000)


def _debian(budget: Budget) -> list[Row]:
    train, test = (400, 200) if budget.quick else (2000, 900)
    return measure(debian_lists(budget.data, train, test), budget, 4000)


PARTS = {"medquad": Part(MEDQUAD, _medquad), "debian-tags": Part(DEBIAN, _debian)}


def main() -> None:
    """Measure and write docs/benchmarks/click-models.json and .md."""
    run_parts("click-models", __doc__, PARTS, OPENING)


if __name__ == "__main__":
    main()
