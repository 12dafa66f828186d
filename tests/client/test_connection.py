import httpx

from client.connection import Connection
from client.requests import activate, get_collection
from client.retries import Retries


def test_the_key_travels_as_bearer() -> None:
    with httpx.Client(**Connection("http://a/b/", "secret", 3, Retries()).settings()) as http:
        request = http.build_request(**Connection("", None, 3, Retries()).arguments(get_collection("shop")))
    assert request.headers["authorization"] == "Bearer secret"
    assert str(request.url) == "http://a/b/v1/collections/shop"  # a service behind a path keeps it
    assert request.headers["x-request-timeout-ms"] == "3000"
    assert "headers" not in Connection("", None, 3, Retries()).arguments(get_collection("shop"))


def test_activate_has_the_time_to_load_a_version() -> None:
    arguments = Connection("", None, 3, Retries()).arguments(activate("shop", "v"))
    assert arguments["timeout"] > 60
    assert arguments["json"] == {"version": "v"}
