"""Semantic IDs: encode, decode to items, list a prefix. N inputs, L levels, D embedding width."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np

from bundle.errors import InvalidSemanticId
from bundle.featurize import Record
from bundle.quantizer import SemanticIdCodec
from bundle.semantic_id import SemanticId
from index.prefix import PrefixIndex
from index.prefix_names import PrefixName, PrefixNames
from service.batching import Outcome
from service.errors import NoSemanticIds
from service.loaded import Loaded
from service.operations.joined import FloatArray, OnLoaded, each, embed_joined
from service.stages import Stages


def codec_of(loaded: Loaded) -> SemanticIdCodec:
    """The quantizer of the served bundle; raises NoSemanticIds."""
    if loaded.bundle.semantic_ids is None:
        raise NoSemanticIds(
            f"bundle '{loaded.bundle_id}' was trained without a quantizer; train one with a [quantizer] section"
        )
    return loaded.bundle.semantic_ids


def prefix_of(loaded: Loaded) -> PrefixIndex:
    """The semantic IDs of the served corpus; raises NoSemanticIds."""
    if loaded.version.prefix is None:
        raise _none_stored(loaded)
    return loaded.version.prefix


def names_of(loaded: Loaded) -> PrefixNames:
    """The names of the prefixes of the served corpus; raises NoSemanticIds."""
    if loaded.version.prefix_names is None:
        raise _none_stored(loaded)
    return loaded.version.prefix_names


def read_semantic_id(field: str, value: str | list[int], levels: int) -> SemanticId:
    """A semantic ID with all its codes; raises InvalidSemanticId that names `field`."""
    codes = SemanticId.parse(value) if isinstance(value, str) else SemanticId(tuple(value))
    if len(codes.codes) != levels:
        raise InvalidSemanticId(f"{field} has {len(codes.codes)} codes, a full semantic ID here has {levels}")
    return codes


@dataclass(frozen=True)
class EncodeSemanticIds(OnLoaded):
    """Codes of records, vectors or items; payload: as `source` says."""

    source: Literal["records", "vectors", "item_ids"]
    tower: Literal["query", "item"]

    def tokens(self, payload: Any, records: int) -> int:
        """What the tower is to read of records, about; 1 for anything else."""
        return self.loaded.tower(self.tower).guess_tokens(payload) if self.source == "records" else records

    def run(self, payloads: Sequence[Any], stages: Stages) -> list[Outcome]:
        """The answer to every request."""
        if self.source == "item_ids":
            stored: list[Outcome] = [*each(payloads, self._stored)]
            stages.mark("search")
            return stored
        vectors: Sequence[FloatArray | Exception] = payloads
        if self.source == "records":
            records: Sequence[Sequence[Record]] = payloads
            vectors = embed_joined(self.loaded.tower(self.tower), records, stages)
        answers = self._encoded(vectors)
        stages.mark("encode")
        return answers

    def _stored(self, item_ids: Sequence[str]) -> bytes:
        semantic_ids = prefix_of(self.loaded).semantic_ids(item_ids)
        return self.answer(semantic_ids=[{"semantic_id": str(one), "codes": one.codes} for one in semantic_ids])

    def _encoded(self, parts: Sequence[FloatArray | Exception]) -> list[Outcome]:
        """The codes of all requests from one run of the graph."""
        good = [part for part in parts if not isinstance(part, Exception)]
        codes = iter(codec_of(self.loaded).encode(np.concatenate(good)).tolist() if good else ())
        answers: list[Outcome] = []
        for part in parts:
            if isinstance(part, Exception):
                answers.append(part)
            else:
                own = islice(codes, len(part))
                encoded = [{"semantic_id": "-".join(map(str, one)), "codes": one} for one in own]
                answers.append(self.answer(semantic_ids=encoded))
        return answers


@dataclass(frozen=True)
class ListSemanticIds(OnLoaded):
    """Items under semantic IDs or below a prefix; payload: full semantic IDs, or the codes of one prefix."""

    what: Literal["semantic_ids", "prefix"]
    k: int
    offset: int
    with_attributes: bool

    def run(self, payloads: Sequence[Any], stages: Stages) -> list[Outcome]:
        """The answer to every request."""
        answers: list[Outcome] = [*each(payloads, self._decoded if self.what == "semantic_ids" else self._below)]
        stages.mark("search")
        return answers

    def _decoded(self, semantic_ids: Sequence[SemanticId]) -> bytes:
        results = []
        holders = prefix_of(self.loaded).holders(semantic_ids, self.k, self.offset)
        for semantic_id, (count, suffixes, item_ids) in zip(semantic_ids, holders, strict=True):
            codes = "-".join(map(str, semantic_id.codes))
            own = [f"{codes}+{suffix}" if suffix else codes for suffix in suffixes]
            results.append({"semantic_id": str(semantic_id), "count": count, "items": self._items(item_ids, own)})
        return self.answer(results=results)

    def _below(self, codes: Sequence[int]) -> bytes:
        prefix = prefix_of(self.loaded)
        below = prefix.children(codes)
        name, *names = names_of(self.loaded).at([codes, *([*codes, child.code] for child in below)])
        children = [
            {"code": child.code, "count": child.count, "name": _json(its_name)}
            for child, its_name in zip(below, names, strict=True)
        ]
        item_ids = prefix.item_ids(codes, self.k, self.offset)
        items = self._items(item_ids, [str(one) for one in prefix.semantic_ids(item_ids)])
        return self.answer(prefix=codes, count=prefix.count(codes), name=_json(name), items=items, children=children)

    def _items(self, item_ids: Sequence[str], semantic_ids: Sequence[str]) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = [
            {"item_id": item_id, "semantic_id": semantic_id}
            for item_id, semantic_id in zip(item_ids, semantic_ids, strict=True)
        ]
        if self.with_attributes:
            for item, attributes in zip(items, self.loaded.version.attributes(item_ids), strict=True):
                item["attributes"] = attributes
        return items


def _none_stored(loaded: Loaded) -> NoSemanticIds:
    return NoSemanticIds(
        f"index version '{loaded.index_version}' has no semantic IDs; train a bundle with a quantizer and rebuild"
    )


def _json(name: PrefixName | None) -> dict[str, list[str]] | None:
    return None if name is None else {"items": name.items, "words": name.words}
