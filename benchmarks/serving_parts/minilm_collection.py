"""A collection whose towers are all-MiniLM-L6-v2 as it comes from its package; its few items are of no interest."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from bundle.config import validate_config
from bundle.progress import NoProgress
from bundle.workspace import Collection, Workspace
from index.build import build_index
from index.config import BuildConfig
from index.kinds.flat import FlatKind
from index.manifest import FORMAT_VERSION
from index.store import activate, list_versions

NAME, MODEL, FEATURE = "minilm", "minilm", "text"
WIDTH, N_ITEMS = 384, 100
_SHORTEST_WORD = 3


def minilm_collection(cache: Path) -> Collection:
    """The collection, kept in `cache`.

    Raises ConfigError where no installed package carries the weights, ImportError without the extras that read them.
    """
    root = cache / f"minilm-format-{FORMAT_VERSION}"
    collection = Workspace(root).collection(NAME)
    if not list_versions(collection):
        root.mkdir(parents=True, exist_ok=True)
        _train(root, collection)
        config = BuildConfig(collection=NAME, items=root / "items.parquet", kind=FlatKind())
        activate(collection, build_index(collection, config))
    return collection


def _train(root: Path, collection: Collection) -> None:
    """Export the pretrained weights by a training of no epochs."""
    from training.config import TrainConfig
    from training.run import train

    ids, query_ids = [f"item-{i}" for i in range(N_ITEMS)], [f"query-{i}" for i in range(N_ITEMS)]
    texts = [f"text number {i}" for i in range(N_ITEMS)]
    pq.write_table(pa.table({"item_id": ids, FEATURE: texts}), root / "items.parquet")
    pq.write_table(pa.table({"query_id": query_ids, FEATURE: texts}), root / "queries.parquet")
    split = ["test" if i % 10 == 0 else "train" for i in range(N_ITEMS)]
    pq.write_table(pa.table({"query_id": query_ids, "item_id": ids, "split": split}), root / "interactions.parquet")
    feature = {"kind": "tokens", "name": FEATURE, "model": MODEL}
    settings = {
        "collection": NAME,
        "data": {name: f"{name}.parquet" for name in ("items", "queries", "interactions")},
        "split": {"kind": "column"},
        "features": {"query": [feature], "item": [feature]},
        "pretrained": {MODEL: {"projection": "none", "freeze": True}},
        "dimension": WIDTH,
        "trainer": {"epochs": 0},
    }
    train(validate_config(TrainConfig, settings, NAME), root, collection, progress=NoProgress())


def texts_of_tokens(tokenizer: Tokenizer, count: int, n_tokens: int, seed: int = 0) -> list[str]:
    """Texts that the tokenizer reads as exactly `n_tokens` tokens, special ones included.

    Their words are whole word pieces of plain letters, drawn at random.
    """
    words = sorted(w for w in tokenizer.get_vocab() if w.isascii() and w.isalpha() and len(w) >= _SHORTEST_WORD)
    random = np.random.default_rng(seed)
    n_words = n_tokens - tokenizer.num_special_tokens_to_add(False)
    return [" ".join(random.choice(words, n_words)) for _ in range(count)]
