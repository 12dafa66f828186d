"""POST search: parse, queue, answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from index.device import GPU_LARGEST_K
from index.fusion import Fusion
from index.hubness.config import HubnessMethod
from index.manifest import Relation
from index.prefix_limit import PrefixLimit
from service.call import Call
from service.errors import InvalidRequest
from service.loaded import Loaded
from service.media_types import RAW
from service.operations.examples import check_examples, count_examples
from service.operations.limited_search import SearchWithLimit
from service.operations.search import Search, Source
from service.operations.second_stage import SecondStageUse
from service.operations.semantic_ids import prefix_of
from service.operations.words import Words
from service.parsing import check_filter, check_hits, check_limit, check_pairs, check_size, exactly_one, parse_body
from service.routes.cross_encoder import cross_encoder_use
from service.routes.feature_ranker import trained_depth
from service.routes.search_options import search_options
from service.routes.second_stage import second_stage_use
from service.schemas.search import Exact, SearchRequest
from service.serving import Serving
from service.settings import LimitSettings, Settings
from service.shadow.shadowing import Answered
from service.slots import Slot
from service.stages import Stages
from service.vectors import read_vectors, rows_of

SOURCES: tuple[Source, ...] = ("queries", "vectors", "item_ids", "examples")
DEFAULT_DEPTH_FACTOR = 4


class SearchHandler:
    """Answers search requests."""

    __name__ = "search"

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    async def __call__(self, collection: str, body: bytes, call: Call) -> bytes:
        """Find the nearest items of query records, vectors, items or sets of examples.

        Every query gets min(k, items that `filter` allows) hits, best first; `exhaustive` says that there are no more.
        A search by `item_ids` never returns an item as a hit of itself, one by `examples` none of the items that it
        names. Where the queries of a collection are items, `relation` chooses between similar items and complementary
        ones, which go with the item. `mode` chooses between embeddings, words and both; by words alone only items that
        have one are hits, none where all words are unknown. `diversify` and `group_by` limit the hits that share the
        first codes of their semantic IDs; the search then goes as deep as k allowed hits, or k groups, need. `hubness`
        holds back items near to everything. `rerank` orders the best `depth` candidates again: by exact scores, by the
        bundle's cross-encoder or feature ranker where it has one, by several scores together, or so that hits are
        unlike one another. A cross-encoder can also search by itself with `mode`.

        A body of the media type `application/octet-stream` is query embeddings as rows of little-endian float32, and
        the query string says the rest: words as they are, `with` as a list with commas, everything else as JSON.
        """
        slot, loaded = self._serving.capture(collection, call)
        settings = self._serving.settings
        is_raw = call.media_type == RAW
        request = search_options(call.query) if is_raw else parse_body(SearchRequest, body)
        source: Source = exactly_one(request, SOURCES)  # type: ignore[assignment]
        payload: Any = rows_of("the body", body, loaded.version.dimension) if is_raw else getattr(request, source)
        call.records, call.k = _checked_size(source, payload, settings.limits), request.k
        check_limit("k", request.k, settings.limits.max_k)
        if request.filter is not None:
            check_filter(request.filter, settings.limits)
        depth = _depth(request, source, settings, _usual_depth(request, loaded))
        limit = _limit(request, loaded, settings.limits.max_k)
        hits = request.k * (limit.most if limit is not None and limit.grouped else 1)
        check_hits(call.records, max(hits, depth or 0), settings.limits.max_hits)
        if source == "vectors" and not is_raw:
            payload = read_vectors("vectors", payload, loaded.version.dimension)
        second = self._second_stage(request, source, depth, loaded)
        operation = _operation(request, source, depth, limit, loaded, second)
        check_pairs(call.records, _pairs_a_query(operation), settings.limits.max_reranked_pairs)
        answer = await slot.batcher.submit(operation, payload, call.records, call)
        if slot.candidate is not None:
            repeat = partial(_repeat, request, source, payload, settings)
            self._offer(slot, Answered(loaded, answer, len(payload), repeat, source == "vectors"))
        return answer

    def _second_stage(
        self, request: SearchRequest, source: Source, depth: int | None, loaded: Loaded
    ) -> SecondStageUse | None:
        on_failure = self._serving.settings.rerank.on_failure
        on_degraded = partial(self._serving.metrics.degraded, loaded.collection)
        return second_stage_use(request, source, depth, loaded, on_failure, on_degraded)

    def _offer(self, slot: Slot, answered: Answered) -> None:
        """Have a search considered for the trial under way, once its answer is out."""

        def consider() -> None:
            if slot.candidate is not None:  # the trial may have ended meanwhile
                self._serving.shadowing.consider(slot.candidate, answered)

        asyncio.get_running_loop().call_soon(consider)


def _repeat(
    request: SearchRequest, source: Source, payload: Sequence[Any], settings: Settings, loaded: Loaded, place: int
) -> bytes:
    """What `loaded` answers to one query of a checked request; raises what it would answer the request with."""
    depth = _depth(request, source, settings, _usual_depth(request, loaded))
    limit = _limit(request, loaded, settings.limits.max_k)
    second = second_stage_use(request, source, depth, loaded, settings.rerank.on_failure, lambda _: None)
    operation = _operation(request, source, depth, limit, loaded, second)
    (outcome,) = replace(operation, extras=()).run([payload[place : place + 1]], Stages())
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _checked_size(source: Source, payload: Any, limits: LimitSettings) -> int:
    """How many records are asked with; raises what makes them too many, or examples that cannot be."""
    n_records = count_examples(payload) if source == "examples" else len(payload)
    check_size(source, n_records, limits.max_batch)
    if source == "examples":
        check_examples(payload)
    return n_records


def _operation(
    request: SearchRequest,
    source: Source,
    depth: int | None,
    limit: PrefixLimit | None,
    loaded: Loaded,
    second: SecondStageUse | None,
) -> Search:
    if "semantic_id" in request.with_:
        prefix_of(loaded)
    words = _words(request, source, loaded)
    cross_encoder = cross_encoder_use(request, source, loaded)
    relation = _relation(request, source, loaded)
    search = Search(
        loaded,
        source,
        relation,
        min(request.k, loaded.version.count),
        tuple(sorted(request.params.items())) if request.params else (),
        min(depth, loaded.version.count) if depth is not None and isinstance(request.rerank, Exact) else None,
        tuple(sorted(set(request.with_))),
        words,
        _hubness(request, source, relation, loaded),
        None if request.filter is None else loaded.version.filters.bind(request.filter),
        cross_encoder,
        second,
    )
    return search if limit is None else SearchWithLimit(**vars(search), limit=limit)


def _pairs_a_query(operation: Search) -> int:
    """Items that a cross-encoder reads for each query."""
    if operation.cross_encoder is not None:
        return operation.cross_encoder.calls
    second = operation.second
    return second.depth if second is not None and second.kind.reads_texts else 0


def _words(request: SearchRequest, source: Source, loaded: Loaded) -> Words | None:
    """The part that words take in the search; raises InvalidRequest or LexicalNotServed."""
    if request.mode != "hybrid" and (request.fusion is not None or request.dense_weight is not None):
        raise InvalidRequest(f"fusion joins two scores, but mode '{request.mode}' has one; ask with mode 'hybrid'")
    if request.mode in ("dense", "cross_encoder"):
        return None
    if source != "queries":
        raise InvalidRequest(f"mode '{request.mode}' reads the words of records; give queries in place of {source}")
    loaded.version.words()
    if request.mode == "hybrid":
        return Words(_fusion(request, loaded))
    for name in ("params", "relation", "hubness"):
        if getattr(request, name) is not None:
            raise InvalidRequest(f"{name} is about embeddings, but mode 'lexical' compares words; leave it out")
    return Words(None)


def _fusion(request: SearchRequest, loaded: Loaded) -> Fusion:
    if request.fusion != "weighted":
        if request.dense_weight is not None:
            raise InvalidRequest('dense_weight is given without "fusion": "weighted"; add it or leave the weight out')
        return Fusion(request.fusion or "z_score")
    if request.dense_weight is not None:
        return Fusion("weighted", request.dense_weight)
    learned = loaded.version.manifest.fusion
    if learned is None:
        raise InvalidRequest(
            "fusion 'weighted' needs dense_weight: no weight was learned when this index version was built; give one, "
            "or build with a [fusion] section"
        )
    return Fusion("weighted", learned.dense_weight)


def _limit(request: SearchRequest, loaded: Loaded, max_k: int) -> PrefixLimit | None:
    """The limit of hits a prefix that the request names, None where it names none."""
    if request.diversify is not None and request.group_by is not None:
        raise InvalidRequest("diversify and group_by are both given; groups hold at most group_by.most hits anyway")
    asked, name = (request.diversify, "diversify") if request.group_by is None else (request.group_by, "group_by")
    if asked is None:
        return None
    levels = prefix_of(loaded).space.levels
    if asked.level > levels:
        raise InvalidRequest(f"{name}.level is {asked.level}, but semantic IDs here have {levels} levels")
    check_limit(f"{name}.most", asked.most, max_k)
    return PrefixLimit(asked.level, asked.most, grouped=name == "group_by")


def _relation(request: SearchRequest, source: Source, loaded: Loaded) -> Relation:
    """The relation that is asked for; raises InvalidRequest or RelationNotServed."""
    roles = loaded.version.roles
    trained: Relation = next(iter(roles))
    if request.relation is None:
        if source in ("item_ids", "examples") and len(roles) > 1:
            # By item means similar items everywhere else, and complementary ones are what these towers learnt.
            raise InvalidRequest(
                f"{source} without relation: collection '{loaded.collection}' finds both similar and complementary "
                'items; add "relation": "similar" or "relation": "complementary"'
            )
        return trained
    loaded.version.role(request.relation)
    if source == "queries" and len(roles) == 1:
        raise InvalidRequest(
            f"relation is given, but query records of collection '{loaded.collection}' are no items; leave it out, "
            "or search by item_ids"
        )
    return request.relation


def _hubness(request: SearchRequest, source: Source, relation: Relation, loaded: Loaded) -> HubnessMethod | None:
    """How hubs are held back: as asked, else as the version's build said; raises HubnessNotServed."""
    role = loaded.version.role(relation)
    if request.hubness is None:
        # Where the bank holds queries, it says little of what lies near to an item.
        is_like_bank = source in ("queries", "vectors") or loaded.bundle.manifest.queries_are == "items"
        return role.hubness_default if is_like_bank and request.mode not in ("lexical", "cross_encoder") else None
    if request.hubness == "off":
        return None
    role.bias()
    return request.hubness


def _usual_depth(request: SearchRequest, loaded: Loaded) -> int:
    """Candidates a query where the request does not say how many; raises RerankerNotServed."""
    kind = request.rerank
    if kind is None or isinstance(kind, Exact) or not kind.reads_features:
        return DEFAULT_DEPTH_FACTOR * request.k
    return trained_depth(loaded)


def _depth(request: SearchRequest, source: Source, settings: Settings, usual: int) -> int | None:
    """Candidates a query, whatever the corpus has; None without rescoring. `usual` is meant where none are given."""
    if request.rerank is None:
        if request.depth is not None:
            raise InvalidRequest('depth is given without rerank; add "rerank": "exact" or leave depth out')
        return None
    if request.depth is None:
        most = settings.limits.max_depth
        if settings.index_device != "cpu":  # a search by item looks for one more, the item itself
            most = min(most, GPU_LARGEST_K - (source == "item_ids"))
        return max(request.k, min(usual, most))
    check_limit("depth", request.depth, settings.limits.max_depth)
    if request.depth < request.k:
        raise InvalidRequest(f"depth is {request.depth}, but must be at least k, which is {request.k}")
    return request.depth
