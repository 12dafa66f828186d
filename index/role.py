"""The roles of a catalogue: which vectors of the items answer a relation between items.

Where the queries of a bundle are items, the catalogue is embedded twice: in the in role by the query tower (an item as
what one has) and in the out role by the item tower (an item as what goes with it). The in-vectors ask in both
relations; complementary items are near among the out-vectors, similar items among the in-vectors ("Two Is Better Than
One", ICKG 2022). Every other bundle has the item tower's vectors alone, which ask and answer for similar items.

N corpus, D embedding.
"""

from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from index.device import DeviceName, place
from index.errors import HubnessNotServed
from index.hubness.bias import HubnessBias, open_bias
from index.hubness.config import HubnessMethod
from index.hubness.report import HubnessReport
from index.ids import ItemIds
from index.kinds import IndexKind
from index.manifest import INDEX_FILE, VECTORS_FILE
from index.searcher import FaissSearcher, Metric, RowSearcher, Searcher


@dataclass(frozen=True)
class Role:
    """The vectors of all items in one role, their index, and what undoes hubs where the build made it.

    `hubness_default`: how a search does so that does not say, None for not at all.
    """

    searcher: Searcher
    vectors_ND: NDArray[np.float32]
    hubness: HubnessBias | None = None
    hubness_default: HubnessMethod | None = None

    def bias(self) -> HubnessBias:
        """What undoes hubs; raises HubnessNotServed."""
        if self.hubness is None:
            raise HubnessNotServed(
                "this index version has no bias against hubs; build one with a [hubness] section in its config"
            )
        return self.hubness


def open_role(
    folder: Path,
    kind: IndexKind,
    ids: ItemIds,
    metric: Metric,
    device: DeviceName,
    *,
    mmap: bool,
    hubness: HubnessReport | None = None,
) -> Role:
    """The role whose files lie in `folder`, ready to search; raises DeviceUnavailable.

    `hubness`: what the build says of the role's bias, where it made one.
    """
    vectors_ND = np.load(folder / VECTORS_FILE, mmap_mode="r" if mmap else None, allow_pickle=False)
    placed = place(_read_index(folder / INDEX_FILE, mmap and device == "cpu"), kind, device)
    searcher = FaissSearcher(RowSearcher(placed, kind, vectors_ND), ids, metric)
    if hubness is None:
        return Role(searcher, vectors_ND)
    default = None if hubness.default == "off" else hubness.default
    return Role(searcher, vectors_ND, open_bias(folder, hubness, mmap=mmap), default)


def write_faiss(index: faiss.Index, path: Path) -> None:
    """Write an index as `open_role` reads it; raises OSError.

    Through Python's file, because that of FAISS keeps silent about what did not reach a full disk when it is closed.
    """
    with path.open("wb") as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))


def _read_index(path: Path, mmap: bool) -> faiss.Index:
    # A mapped index must never be changed: faiss then aborts the process. `place` hides everything but search.
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if mmap else 0)
