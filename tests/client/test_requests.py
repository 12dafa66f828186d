import numpy as np
import pytest
from pydantic import BaseModel

from client import requests
from client.requests import EncodeOptions, ListOptions, RerankOptions, SearchOptions
from service.schemas.rerank import RerankRequest
from service.schemas.search import SearchRequest
from service.schemas.semantic_ids import SemanticIdsRequest


@pytest.mark.parametrize(
    ("options", "others", "request_body"),
    [
        ([SearchOptions], set(), SearchRequest),
        ([RerankOptions], set(), RerankRequest),
        ([EncodeOptions, ListOptions], {"semantic_ids", "prefix"}, SemanticIdsRequest),
    ],
)
def test_the_client_knows_every_field_of_a_route(
    options: list[type], others: set[str], request_body: type[BaseModel]
) -> None:
    known = {name for option in options for name in option.__annotations__}
    assert known | others == set(request_body.model_fields)


def test_what_is_not_given_is_not_sent() -> None:
    assert requests.search("shop", {"item_ids": ["a"], "with_": ["attributes"]}).body == {
        "item_ids": ["a"],
        "with": ["attributes"],
    }
    assert requests.embed("shop", [{"text": "a"}], "query", None).body == {
        "records": [{"text": "a"}],
        "tower": "query",
        "encoding_format": "base64",
    }


def test_vectors_travel_as_base64() -> None:
    body = requests.search("shop", {"vectors": np.array([[1, 0]])}).body
    assert body == {"vectors": ["AACAPwAAAAA="]}


def test_a_name_is_quoted_and_cannot_leave_its_place_in_the_path() -> None:
    assert requests.get_collection("../a b").path == "/v1/collections/..%2Fa%20b"


def test_only_activate_changes_something() -> None:
    assert not requests.activate("shop", "v").changes_nothing
    assert requests.search("shop", {}).changes_nothing and requests.list_collections().changes_nothing
