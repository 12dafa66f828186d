"""What every operation on a loaded version shares. B records or vectors of all joined requests, D embedding width."""

import contextlib
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import orjson

from bundle.columns import EncodedRecords
from bundle.errors import RetrievalError
from bundle.featurize import Record
from bundle.tower import Tower
from service.loaded import Loaded
from service.stages import Stages

FloatArray = npt.NDArray[np.float32]
PayloadT = TypeVar("PayloadT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class OnLoaded:
    """An operation on one loaded version; operations with equal fields may be joined."""

    loaded: Loaded

    def hold(self) -> None:
        """Keep the version open until `release`."""
        self.loaded.hold()

    def release(self) -> None:
        """Undo one `hold`."""
        self.loaded.release()

    def tokens(self, payload: Any, records: int) -> int:
        """A record counts 1, unless an operation says more."""
        return records

    def is_brief(self, records: int) -> bool:
        """No, unless an operation says so."""
        return False

    def answer(self, **fields: Any) -> bytes:
        """JSON of `fields` under the names of what made them."""
        loaded = self.loaded
        head = {
            "collection": loaded.collection,
            "bundle_id": loaded.bundle_id,
            "index_version": loaded.index_version,
        }
        return orjson.dumps(head | fields, option=orjson.OPT_SERIALIZE_NUMPY)


def each(payloads: Sequence[PayloadT], work: Callable[[PayloadT], ResultT]) -> list[ResultT | Exception]:
    """`work` of every payload; a domain error is the outcome of its own payload only."""
    outcomes: list[ResultT | Exception] = []
    for payload in payloads:
        try:
            outcomes.append(work(payload))
        except RetrievalError as error:
            outcomes.append(error)
    return outcomes


def all_or_each(
    parts: Sequence[FloatArray | Exception], work: Callable[[FloatArray], FloatArray]
) -> list[FloatArray | Exception]:
    """`work`, which changes rows one by one, of the rows of all parts at once; of each part alone where it raises.

    An exception stays where it is. A call of numpy costs more than its work on one short row does.
    """
    good = [part for part in parts if not isinstance(part, Exception)]
    if len(good) > 1:
        with contextlib.suppress(RetrievalError):
            return _parted(work(np.concatenate(good)), parts)
    return [part if isinstance(part, Exception) else each([part], work)[0] for part in parts]


def _parted(row_BD: FloatArray, parts: Sequence[Sized | Exception]) -> list[FloatArray | Exception]:
    """Rows of all parts cut back into the rows of each; an exception stays where it is."""
    cut: list[FloatArray | Exception] = []
    start = 0
    for part in parts:
        if isinstance(part, Exception):
            cut.append(part)
        else:
            cut.append(row_BD[start : start + len(part)])
            start += len(part)
    return cut


def _whole(records: Sequence[Record]) -> Sequence[Record]:
    return records


def embed_joined(
    tower: Tower,
    payloads: Sequence[Sequence[Record]],
    stages: Stages,
    read: Callable[[Sequence[Record]], Sequence[Record]] = _whole,
) -> list[FloatArray | Exception]:
    """Embeddings of every payload's records, of all together; a bad record fails its own payload.

    `read` gives what the tower reads of them.
    """
    return run_joined(tower, encode_joined(tower, payloads, stages, read), stages)


def encode_joined(
    tower: Tower,
    payloads: Sequence[Sequence[Record]],
    stages: Stages,
    read: Callable[[Sequence[Record]], Sequence[Record]] = _whole,
) -> list[EncodedRecords | Exception]:
    """Every payload's records encoded for the tower; a bad record fails its own payload. `read` as above."""

    def encode(records: Sequence[Record]) -> EncodedRecords:
        records = read(records)
        tower.featurizer.check_request(records)
        return tower.featurizer.encode(records)

    parts = each(payloads, encode)
    stages.mark("featurize")
    return parts


def run_joined(
    tower: Tower, parts: Sequence[EncodedRecords | Exception], stages: Stages
) -> list[FloatArray | Exception]:
    """Embeddings of every part, of all together; an exception stays where it is."""
    good = [part for part in parts if isinstance(part, EncodedRecords)]
    if not good:
        return [part for part in parts if isinstance(part, Exception)]
    joined = good[0] if len(good) == 1 else EncodedRecords.concatenate(good)
    embedding_BD = tower.embed_encoded(joined)
    stages.mark("encode")
    return _parted(embedding_BD, parts)
