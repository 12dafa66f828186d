"""MiniLM made a cross-encoder by the product's own reranker code, and kept on disk, since it takes a processor long.

Q queries, V mined pairs.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from benchmarks.rerank_parts.first_stages import Found
from benchmarks.rerank_parts.text_tasks import RerankTask
from benchmarks.text_task import TEXT
from bundle.progress import NoProgress
from training.mining.miner import Mined
from training.mining.queries import TrainingQueries
from training.mining.search import Found as FoundItems
from training.optimizer import set_rates
from training.pretrained import PretrainedModels
from training.ragged import Ragged
from training.rankers.cross_encoder import CrossEncoderConfig, CrossEncoderRanker
from training.rankers.learner import RankerLearner, RankerSteps
from training.rerankers.student import StudentConfig, shrink, teacher_scores

_STEPS_A_ROUND = 25
HEAD: Literal["pooled", "tokens"] = "tokens"


@dataclass(frozen=True)
class FineTuning:
    """How long and how fast. `rounds` of 25 steps; the rates rise over a tenth of them, then fall to 0."""

    rounds: int
    batch_size: int = 8
    negatives: int = 5
    pretrained_learning_rate: float = 1e-4
    seed: int = 0


def mined_negatives(task: RerankTask, found: Found) -> Mined:
    """What the first stage found for the training queries and is no answer of theirs, as a run of the product mines."""
    exam = task.exams["train"]
    nothing = np.empty(0, dtype=np.int64)
    relevant = [exam.item_rows_C[exam.relevant.row(query)] for query in range(len(exam))]
    rows, scores = [nothing] * len(exam), [np.empty(0, dtype=np.float32)] * len(exam)
    for query, (place_R, score_R) in enumerate(zip(found.place_QR, found.score_QR, strict=True)):
        item_R = exam.item_rows_C[place_R]
        keep_R = (place_R >= 0) & ~np.isin(item_R, relevant[query])
        rows[query], scores[query] = item_R[keep_R], score_R[keep_R]
    asked = Ragged.from_rows(relevant)
    queries = TrainingQueries(exam.query_rows_Q, np.arange(len(exam), dtype=np.int64), asked, asked)
    mined = FoundItems(Ragged.from_rows(rows), np.concatenate(scores))
    return Mined(queries, mined, np.zeros(len(asked.values_V), dtype=np.float32), 0.0)


def weights_path(task: RerankTask, settings: FineTuning, cache: Path) -> Path:
    """Where the weights are kept, by what they are made from."""
    return cache / f"cross-encoder-{task.task.name}-{_digest(task, settings)}.pt"


def fine_tuned(task: RerankTask, mined: Callable[[], Mined], settings: FineTuning, path: Path) -> CrossEncoderRanker:
    """The cross-encoder after its last round; what is kept at `path` goes on where it was stopped.

    `mined` is called only where there is something left to learn.
    """
    ranker = fresh(task, settings.seed)
    _learn(RankerLearner(ranker, _steps(settings), NoProgress()), ranker, mined, settings, path)
    return ranker


def taught(
    task: RerankTask, teacher: CrossEncoderRanker, mined: Callable[[], Mined], settings: FineTuning, path: Path
) -> CrossEncoderRanker:
    """A student of two layers that begins as the teacher and learns its margins; kept as `fine_tuned` keeps."""
    student, config = fresh(task, settings.seed), StudentConfig(layers=2)
    student.load_state_dict(teacher.state_dict())
    shrink(student, config.layers)
    targets = teacher_scores(teacher)
    learner = RankerLearner(student, _steps(settings), NoProgress(), loss=config.loss, targets=targets)
    _learn(learner, student, mined, settings, path)
    return student


def _steps(settings: FineTuning) -> RankerSteps:
    return RankerSteps(
        negatives=settings.negatives,
        batch_size=settings.batch_size,
        pretrained_learning_rate=settings.pretrained_learning_rate,
    )


def _learn(
    learner: RankerLearner, ranker: CrossEncoderRanker, mined: Callable[[], Mined], settings: FineTuning, path: Path
) -> None:
    done = _restore(path, ranker, learner)
    ranker.eval()
    if done == settings.rounds:
        return
    pairs = mined()
    for number in range(done, settings.rounds):
        set_rates(learner.optimizer, _factor(number, settings.rounds))
        with torch.autocast("cpu", torch.bfloat16):
            logs = learner.learn(pairs, _STEPS_A_ROUND, np.random.default_rng((settings.seed, number)))
        _keep(path, ranker, learner, number + 1)
        print(f"{path.stem} round {number + 1} of {settings.rounds}: {logs}", flush=True)


def fresh(task: RerankTask, seed: int) -> CrossEncoderRanker:
    """MiniLM with a new head over the task's texts."""
    config = CrossEncoderConfig(query_columns=(TEXT,), item_columns=(TEXT,), max_tokens=task.max_tokens, head=HEAD)
    torch.manual_seed(seed)
    return CrossEncoderRanker(config, task.task.dataset, PretrainedModels())


def _digest(task: RerankTask, settings: FineTuning) -> str:
    exam = task.exams["train"]
    made_of: dict[str, Any] = {
        **asdict(settings),
        "head": HEAD,
        "tokens": task.max_tokens,
        "queries": len(exam),
        "documents": len(exam.item_rows_C),
    }
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:12]


def _factor(number: int, rounds: int) -> float:
    rising = max(1, rounds // 10)
    return (number + 1) / (rising + 1) if number < rising else (rounds - number) / (rounds - rising)


def _keep(path: Path, ranker: CrossEncoderRanker, learner: RankerLearner, done: int) -> None:
    state = {"ranker": ranker.state_dict(), "optimizer": learner.optimizer.state_dict(), "rounds": done}
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def _restore(path: Path, ranker: CrossEncoderRanker, learner: RankerLearner) -> int:
    if not path.exists():
        return 0
    state: dict[str, Any] = torch.load(path)
    ranker.load_state_dict(state["ranker"])
    learner.optimizer.load_state_dict(state["optimizer"])
    return int(state["rounds"])
