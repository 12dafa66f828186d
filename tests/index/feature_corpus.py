"""A feature ranker over items that were taken the more often the later they come."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from bundle.rerankers.feature_ranker import FeatureRankerSpec
from bundle.rerankers.pair_features import ItemSide
from bundle.session import SessionConfig
from index.arrow_file import open_arrow, write_arrow
from index.feature_ranking import CorpusRanker
from index.ids import ItemIds, id_table
from tests.contracts.index_kind import clustered
from tests.tiny_feature_ranker import write_feature_ranker

N_ITEMS = 300
IDS = [f"i{row:03}" for row in range(N_ITEMS)]
SPEC = FeatureRankerSpec(history_field="history", history_length=3, depth=20)
WEIGHTS = {"log_count": 1.0, "similarity_max": -5.0}


def feature_corpus(folder: Path, weights: Mapping[str, float] = WEIGHTS) -> CorpusRanker:
    """Orders by the counts: item 299 was taken 299 times, and so on; less what is like the history."""
    taken = np.repeat(np.arange(N_ITEMS), np.arange(N_ITEMS)).tolist()
    write_feature_ranker(folder, SPEC, weights, IDS, taken)
    ranker = SPEC.open(folder, {}, SessionConfig())
    write_arrow(folder / "ids.arrow", id_table(pa.chunked_array([IDS])))
    arrays = ranker.item_arrays(pa.array(IDS), {})
    items = ItemSide(clustered(N_ITEMS), *arrays, np.empty((N_ITEMS, 0), dtype=np.int64))
    return CorpusRanker(ranker, items, ItemIds(open_arrow(folder / "ids.arrow", mmap=False)), None)
