"""Online Retail, split by time, full ranking of the catalogue: towers beside the usual baselines.

python -m benchmarks.online_retail [--data examples/online-retail] [--seeds 3] [--quick]
"""

import argparse
import tomllib
from pathlib import Path
from typing import Any

from benchmarks.comparison import Arena, baseline_rows, train_rows
from benchmarks.report import write_benchmark
from bundle.config import validate_config
from training.config import TrainConfig
from training.dataset import load_dataset

EXAMPLE = Path(__file__).parents[1] / "examples" / "online-retail"
PREAMBLE = """
The shipped example: 4,334 customers, 3,784 items, 386,244 purchases. Split by time in whole weeks: train before
2011-10-31, validation up to 2011-11-21, test from there on; a basket never stands in two parts. Every method ranks
all items that the customer has not bought before; purchases of items bought before are neither relevant nor counted,
and customers left without a relevant item are not queries. Epochs are picked on validation for each seed, then the
model is trained anew on train and validation. Tied scores take the middle rank.

`example`: the shipped train.toml, decoupled softmax with in-batch negatives and classic logQ (with one target an
example, as here, the same loss as softmax). The other models change it in what their name says. Baselines: item-kNN
(cosine, 20 neighbours), EASE (lambda 50), ALS (32 factors), BPR (64 factors); `recency` weighs a history item by (1 +
age)^-0.5.
"""


def methods(base: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Models by name, as overrides of the shipped configuration."""
    objective = base["objective"] | {"logq": "none"}
    item_ids_only = [feature for feature in base["features"]["item"] if feature["name"] == "item_id"]
    no_history = [feature for feature in base["features"]["query"] if feature["kind"] != "sequence"]
    return {
        "example": {},
        "no-logq": {"objective": objective},
        "no-item-features": {"features": {"item": item_ids_only}},
        "no-history": {
            "features": {"query": no_history},
            "examples": {"kind": "interaction", "repeats": "drop"},
        },
    }


def main() -> None:
    """Measure and write docs/benchmarks/online-retail.json and .md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=EXAMPLE, help="folder with the tables and train.toml")
    parser.add_argument("--seeds", type=int, default=3, help="training runs a method")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, one core each")
    parser.add_argument("--quick", action="store_true", help="the example's model, one seed, nothing written")
    arguments = parser.parse_args()
    base = tomllib.loads((arguments.data / "train.toml").read_text())
    base.pop("quantizer", None)
    config = validate_config(TrainConfig, base, "train.toml")
    dataset = load_dataset(config.data, arguments.data)
    arena = Arena("online-retail", dataset, base, config.split.split(dataset))
    chosen = methods(base)
    if arguments.quick:
        chosen = {"example": chosen["example"]}
    seeds = 1 if arguments.quick else arguments.seeds
    rows = [*baseline_rows(arena, seeds, decay=0.5), *train_rows(arena, chosen, seeds, arguments.jobs)]
    if arguments.quick:
        for row in rows:
            print(f"{row.method:<30} {row.metric:<12} {row.value:.4f}")
        return
    print(f"wrote {write_benchmark('online-retail', rows, PREAMBLE)}")


if __name__ == "__main__":
    main()
