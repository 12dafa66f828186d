import pytest

from tests.training.small_data import small_dataset
from training.errors import BadSplit
from training.splits import ColumnSplit

PAIRS = [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_rows_follow_the_column_and_dev_is_validation() -> None:
    split = ColumnSplit().split(small_dataset(PAIRS, splits=["test", "train", "dev", "train"]))
    assert (split.train_N.tolist(), split.validation_N.tolist(), split.test_N.tolist()) == ([1, 3], [2], [0])


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (None, "needs a column 'split'"),
        (["train", "train", "train", "train"], "leaves test empty"),
        (["test", "test", "dev", "dev"], "leaves train empty"),
        (["train", "tset", "test", "test"], "holds 'tset'"),
    ],
)
def test_refuses_what_it_cannot_split(splits: list[str] | None, message: str) -> None:
    with pytest.raises(BadSplit, match=message):
        ColumnSplit().split(small_dataset(PAIRS, splits=splits))
