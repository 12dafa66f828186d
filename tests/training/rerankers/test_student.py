"""A student: its layers, and that it agrees more with its teacher after it was taught than before."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.errors import ConfigError
from bundle.progress import NoProgress
from tests.training.small_data import ints, small_dataset
from tests.training.tiny_model import WORDS, write_tiny_model
from training.device import repeatable
from training.mining.miner import Mined
from training.mining.queries import TrainingQueries
from training.mining.search import Found
from training.pretrained import PretrainedConfig, PretrainedModels
from training.ragged import Ragged
from training.rankers.cross_encoder import CrossEncoderConfig, CrossEncoderRanker
from training.rankers.learner import RankerLearner, RankerSteps
from training.rerankers.student import StudentConfig, agreement, shrink, teacher_scores

N = len(WORDS)
DATASET = small_dataset(
    [(row, row) for row in range(N)],
    query_columns={"ask": [f"old {word}" for word in WORDS]},
    item_columns={"title": WORDS},
)
CONFIG = CrossEncoderConfig(model="tiny", query_columns=("ask",), item_columns=("title",), max_tokens=20)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> PretrainedModels:
    return PretrainedModels({"tiny": PretrainedConfig(path=write_tiny_model(tmp_path_factory.mktemp("models")))})


def sharp(models: PretrainedModels) -> CrossEncoderRanker:
    """A teacher whose scores differ by more than rounding."""
    torch.manual_seed(0)
    ranker = CrossEncoderRanker(CONFIG, DATASET, models).eval()
    with torch.no_grad():
        ranker.model.head.weight *= 50
    return ranker


def copied(teacher: CrossEncoderRanker, models: PretrainedModels) -> CrossEncoderRanker:
    student = CrossEncoderRanker(CONFIG, DATASET, models)
    student.load_state_dict(teacher.state_dict())
    return student.eval()


def everything_mined() -> Mined:
    """Every query's positive, and all other items as found."""
    rows = np.arange(N, dtype=np.int64)
    asked = Ragged.from_rows([[row] for row in range(N)])
    found = Ragged.from_rows([np.delete(rows, row) for row in range(N)])
    scores = np.zeros(len(found.values_V), dtype=np.float32)
    return Mined(TrainingQueries(rows, rows, asked, asked), Found(found, scores), np.zeros(N, dtype=np.float32), 0.0)


@pytest.mark.parametrize("objective", ["margin_mse", "kl"])
def test_it_agrees_more_with_its_teacher_after_it_was_taught(models: PretrainedModels, objective: str) -> None:
    config = StudentConfig.model_validate({"layers": 1, "steps": 60, "objective": objective, "temperature": 2.0})
    steps = RankerSteps(negatives=7, batch_size=16, learning_rate=3e-3, pretrained_learning_rate=3e-3)
    with repeatable(0, 1, torch.device("cpu")):
        teacher = sharp(models)
        student = copied(teacher, models)
        shrink(student, config.layers)
        before = agreement(student, teacher, everything_mined(), N)
        learner = RankerLearner(student, steps, NoProgress(), loss=config.loss, targets=teacher_scores(teacher))
        learner.learn(everything_mined(), config.steps, np.random.default_rng(0))
        after = agreement(student, teacher, everything_mined(), N)
    assert agreement(teacher, teacher, everything_mined(), N) == 1
    assert before < 0.9
    assert after > 0.95


def test_the_teacher_stays_as_it_is_and_layers_are_spread_from_first_to_last(models: PretrainedModels) -> None:
    teacher = sharp(models)
    student = copied(teacher, models)
    with torch.no_grad():
        expected = teacher.score(ints(0), np.array([[1, 2, 3]]))
        assert torch.equal(student.score(ints(0), np.array([[1, 2, 3]])), expected)
        shrink(student, 1)
        assert not torch.allclose(student.score(ints(0), np.array([[1, 2, 3]])), expected)
        assert torch.equal(teacher.score(ints(0), np.array([[1, 2, 3]])), expected)
    kept, first = student.model.backbone.model.state_dict(), teacher.model.backbone.model.state_dict()
    assert all(torch.equal(weight, first[name]) for name, weight in kept.items())
    assert not any(".1." in name for name in kept)


def test_a_student_that_is_no_smaller_is_refused(models: PretrainedModels) -> None:
    with pytest.raises(ConfigError, match="layers = 2, but the model has 2; keep fewer"):
        shrink(sharp(models), 2)


def test_layers_that_stand_in_no_list_are_refused(models: PretrainedModels, tmp_path: Path) -> None:
    ranker = sharp(models)
    ranker.model.backbone.model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    ranker.model.backbone.model.config = type("Settings", (), {"num_hidden_layers": 3})()
    with pytest.raises(ConfigError, match="cannot tell the layers of this model apart"):
        shrink(ranker, 1)
