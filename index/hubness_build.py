"""The step of a build that measures hubs and writes what undoes them.

N corpus, D embedding.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bundle.errors import ConfigError
from bundle.items import Items
from bundle.store import Bundle
from index.hubness.asking import Asking, asking_items, asking_table
from index.hubness.config import HubnessConfig
from index.hubness.fit import fit_bias
from index.hubness.report import HubnessReport


@dataclass(frozen=True)
class HubnessBuild:
    """What the biases of all roles are made with."""

    config: HubnessConfig
    asking: Asking
    metric: Literal["cosine", "dot"]
    seed: int

    def write(self, folder: Path, vectors_ND: NDArray[np.float32]) -> HubnessReport:
        """Make the bias of the items that have these vectors and write its files; raises ConfigError."""
        fitted = fit_bias(vectors_ND, self.asking, self.config, self.metric, self.seed)
        fitted.bias.save(folder)
        return fitted.report


def start_hubness(
    config: HubnessConfig, bundle: Bundle, base: Path, items: Items, asking_ND: NDArray[np.float32], seed: int
) -> HubnessBuild:
    """The step with its queries read: a table's records, or a sample of `asking_ND`, the vectors that items ask with.

    Raises InvalidTable, or ConfigError where a bias would be served by default that is none for queries.
    """
    if config.queries is None and config.default != "off" and bundle.manifest.queries_are != "items":
        raise ConfigError(
            f'[hubness] default is "{config.default}", but without a table of queries the bias is made from item '
            "vectors, which speak for searches by item alone; give queries, or leave default off and ask a request"
        )
    if config.queries is None:
        asking = asking_items(asking_ND, config.bank_size, seed)
    else:
        path, ids = base / config.queries, items.table["item_id"]
        asking = asking_table(bundle, path, config.positives, ids, config.bank_size, seed)
    return HubnessBuild(config, asking, bundle.manifest.metric, seed)
