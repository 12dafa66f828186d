"""What is added to the score of every item to undo that some are near to everything.

Inverted softmax: Smith et al., 2017, Offline bilingual word vectors (ICLR). Its dual and dynamic forms: Bogolin et al.,
2022, Cross modal retrieval with querybank normalisation (CVPR), and Wang et al., 2023, Balance act: mitigating hubness
in cross-modal retrieval with query and gallery banks (EMNLP), in log form: a softmax over banks divides by a number
that depends on the item alone, so its logarithm is a bias.

Letters: N items, B queries, R candidates of a query.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.hubness.bank import FloatArray, IntArray
from index.hubness.config import HubnessMethod
from index.hubness.report import HubnessReport

BIAS_FILE = "hubness.npy"
ACTIVATED_FILE = "hubness_activated.npy"


@dataclass(frozen=True, eq=False)
class HubnessBias:
    """How near each item lies to the bank of queries (first) and to that of items (second), less the mean over items.

    `nearness_2N` float32 in units of the score, `is_activated_2N` whether an item is a hub of the bank. Both betas are
    the weights that the two have in the dual forms. `n_candidates`: raw hits that hold the best under the bias.
    """

    nearness_2N: FloatArray
    is_activated_2N: NDArray[np.bool_]
    query_beta: float
    item_beta: float
    n_candidates: int

    def of(self, method: HubnessMethod, row_BR: IntArray) -> FloatArray:
        """The bias of each candidate, float32 [B, R], of queries whose candidates come best first.

        Bias means nothing but beside that of other candidates of the same query. Over all items it has the mean 0, so
        that corrected scores stay where scores are. The dynamic form takes from a query only the part of a bank that
        made its best candidate a hub.
        """
        query_BR, item_BR = self.nearness_2N[:, row_BR]
        query_share = self.query_beta / (self.query_beta + self.item_beta)
        if method == "inverted_softmax":
            bias_BR = -query_BR
        elif method == "dual_inverted_softmax":
            bias_BR = -query_share * query_BR - (1 - query_share) * item_BR
        else:
            gate_2B1 = self.is_activated_2N[:, row_BR[:, :1]]
            bias_BR = -query_share * query_BR * gate_2B1[0] - (1 - query_share) * item_BR * gate_2B1[1]
        return np.asarray(bias_BR, dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write the two files of an index role."""
        np.save(folder / BIAS_FILE, self.nearness_2N)
        np.save(folder / ACTIVATED_FILE, self.is_activated_2N)


def open_bias(folder: Path, report: HubnessReport, *, mmap: bool) -> HubnessBias:
    """The bias that `report` is about, whose files lie in `folder`."""
    nearness_2N, is_activated_2N = (
        np.load(folder / name, mmap_mode="r" if mmap else None, allow_pickle=False)
        for name in (BIAS_FILE, ACTIVATED_FILE)
    )
    return HubnessBias(nearness_2N, is_activated_2N, report.query_beta, report.item_beta, report.n_candidates)
