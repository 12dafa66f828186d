import numpy as np

from client import requests


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
