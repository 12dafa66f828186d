import pytest
from pydantic import ValidationError

from training.trainer import TrainerConfig


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": -1},
        {"learning_rate": 0},
        {"device": "tpu"},
        {"batchsize": 3},
        {"warmup": 1.0},
        {"chunk_size": 0},
        {"precision": "fp16"},
        {"memory": {"batches": 0}},
    ],
)
def test_senseless_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TrainerConfig.model_validate(wrong)
