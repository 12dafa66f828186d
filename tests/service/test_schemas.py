import pytest
from pydantic import ValidationError

from service.schemas import collections, embed, rerank, search, semantic_ids
from service.schemas.fields import RequestBody

REQUESTS = [
    search.SearchRequest,
    embed.EmbedRequest,
    rerank.RerankRequest,
    semantic_ids.SemanticIdsRequest,
    collections.ActivateRequest,
]


@pytest.mark.parametrize("model", REQUESTS)
def test_examples_are_valid_requests(model: type[RequestBody]) -> None:
    examples = model.model_json_schema()["examples"]
    assert examples
    for example in examples:
        model.model_validate(example)


@pytest.mark.parametrize("model", REQUESTS)
def test_unknown_fields_are_refused(model: type[RequestBody]) -> None:
    example = model.model_json_schema()["examples"][0]
    with pytest.raises(ValidationError, match="surprise"):
        model.model_validate({**example, "surprise": 1})


def test_requests_do_not_change_types() -> None:
    for k in ("3", 3.0, True, None):
        with pytest.raises(ValidationError):
            search.SearchRequest.model_validate({"item_ids": ["a"], "k": k})
