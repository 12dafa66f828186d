"""A small catalogue of texts with real queries, part of them held out."""

from collections.abc import Sequence

from tests.training.small_data import small_dataset
from training.dataset import Dataset
from training.splits import ColumnSplit, Split
from training.synthetic_queries.pairs import Pair
from training.synthetic_queries.texts import ItemTexts

TITLES = ("Red desk lamp", "Steel frying pan", "Garden chair", "Paper bag", "Wool winter scarf", "Bicycle bell")
TEXTS = (
    "A bright red lamp for the desk. It turns in every direction, and the bulb is replaceable.",
    "A heavy steel pan for frying. The handle stays cool! Works on induction hobs.",
    "A folding chair of teak for the garden. Rain does not harm the oiled wood.",
    "Bags of brown paper for shops. They carry five kilograms each.",
    "A warm scarf knitted of merino wool for the winter. Wash it by hand in cold water.",
    "A brass bell for the handlebar of a bicycle. Its ring is loud and clear.",
)
QUERIES = ("lamp for my desk", "induction pan", "chair for outside", "shop bags", "warm scarf", "loud bike bell")
PARTS = ("train", "train", "train", "train", "validation", "test")


def pair(row: int, text: str, score: float | None = None) -> Pair:
    return Pair(f"i{row}", text, "hand", "test", "0" * 64, score)


def small_world(**columns: Sequence[object]) -> tuple[Dataset, Split]:
    """Query q{n} is for item i{n}; the last two are held out."""
    dataset = small_dataset(
        [(row, row) for row in range(6)],
        splits=PARTS,
        query_columns={"text": QUERIES, **columns},
        item_columns={"title": TITLES, "description": TEXTS},
    )
    return dataset, ColumnSplit().split(dataset)


def small_texts() -> ItemTexts:
    return ItemTexts([f"i{row}" for row in range(6)], list(TITLES), list(TEXTS), 0)
