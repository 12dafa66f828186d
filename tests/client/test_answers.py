import dataclasses

import pytest

from client.answers import Degraded, Hit, SearchAnswer, read_collections

SERVED = {"collection": "c", "bundle_id": "b", "index_version": "v"}


def test_fields_of_a_later_service_are_passed_over() -> None:
    hit = {"item_id": "a", "score": 0.5, "explanation": "new"}
    body = SERVED | {"results": [{"hits": [hit], "exhaustive": True, "new": 1}], "took_ms": 3}
    answer = SearchAnswer.read(body)
    assert answer.results[0].hits == (Hit("a", 0.5),)
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.collection = "other"  # type: ignore[misc]


def test_what_became_of_a_reranking_is_read() -> None:
    degraded = {"reason": "out_of_time", "detail": "1 of 2", "new": 1}
    hits = [{"item_id": "a", "score": 3.0, "reranked": True}, {"item_id": "b", "score": 0.5, "reranked": False}]
    body = SERVED | {"results": [{"hits": hits, "exhaustive": True, "scored": 1, "degraded": degraded}]}
    result = SearchAnswer.read(body).results[0]
    assert [hit.reranked for hit in result.hits] == [True, False]
    assert result.scored == 1 and result.degraded == Degraded("out_of_time", "1 of 2")


def test_a_missing_field_is_no_default() -> None:
    with pytest.raises(KeyError, match="index_version"):
        SearchAnswer.read({"collection": "c", "bundle_id": "b", "results": []})
    with pytest.raises(TypeError, match="ready"):
        read_collections({"collections": [{"collection": "c"}]})
