"""Items that training never met: towers that read semantic IDs beside those that read item ids or plain vectors."""

from collections.abc import Mapping
from typing import Any

from benchmarks.cold_start import ITEM_ID, VECTOR, cold_tasks, run, run_popularity, semantic_ids
from benchmarks.parts import Budget, Part
from benchmarks.report import Row, rows_of

QUANTIZER: Mapping[str, Any] = {"kind": "residual", "levels": 3, "codebook_size": 64, "beam": 1}
METHODS: Mapping[str, Mapping[str, Any]] = {
    "item-id": {"features": {"item": [ITEM_ID]}},
    "vector": {"features": {"item": [VECTOR]}},
    "semantic-id-prefixes": semantic_ids(QUANTIZER),
    "semantic-id-positions": semantic_ids(QUANTIZER, grams="position"),
    "semantic-id-prefixes+item-id": semantic_ids(QUANTIZER, ITEM_ID),
    "semantic-id-prefixes+vector": semantic_ids(QUANTIZER, keep_vector=True),
}
QUICK = ("item-id", "semantic-id-prefixes")


def measure_cold_items(budget: Budget) -> list[Row]:
    """Rows of every method on both data sets; the least: two methods on Online Retail."""
    names = QUICK if budget.quick else tuple(METHODS)
    tasks = [task for task in cold_tasks(budget.cache) if not budget.quick or task.task == "online-retail"]
    rows = []
    for task in tasks:
        title = f"cold-items-{task.task}"
        rows += rows_of(title, "popularity", [run_popularity(task, seed) for seed in range(budget.seeds)])
        for name in names:
            rows += rows_of(title, name, [run(task, METHODS[name], seed) for seed in range(budget.seeds)])
    return rows


COLD_ITEMS = Part(
    """
    A tenth of the catalogue, drawn by the seed, is taken away with all its interactions before anything is fitted, and
    appears after training: Online Retail (test from 2011-11-21 on; 378 of 3,784 items) and MovieLens-100K (test: each
    user's last ten films; 168 of 1,682). Items have the MiniLM vector of their description, or of title and genres.
    The query side is the data set's usual one, with histories. `recall@k`: all relevant items of the test part among
    the whole catalogue; `cold_recall@k`: the cold ones alone, still among the whole catalogue; `shelf_recall@k`: the
    cold ones among the cold items only, as on a shelf of new arrivals. Means over the queries that have such an item;
    items bought or seen before are no candidates. Tied scores take the middle rank, so methods that know nothing of a
    cold item find none of them. `semantic-id-prefixes`: 3 x 64 codes of a residual quantizer of the vector, one table
    row for each prefix, 16,384 rows; `positions`: a row a code of each level instead; `+item-id`, `+vector`: that
    feature beside them. No validation part; 2 and 5 epochs for all methods alike.
    """,
    measure_cold_items,
)
