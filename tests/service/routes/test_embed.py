import base64

import numpy as np
import pytest

from service.schemas.embed import EmbedAnswer
from tests.service.running import LiveApp
from tests.service.tiny import DIMENSION


def test_floats_and_base64_are_the_same_numbers(shop: LiveApp) -> None:
    body = {"records": [{"text": "red mug"}, {"text": "blue lamp"}]}
    floats = shop.post("embed", body).json()
    EmbedAnswer.model_validate(floats)
    coded = shop.post("embed", {**body, "encoding_format": "base64"}).json()
    decoded = [np.frombuffer(base64.b64decode(text), dtype="<f4") for text in coded["embeddings"]]
    np.testing.assert_array_equal(np.array(floats["embeddings"], dtype=np.float32), decoded)
    assert floats["dimension"] == DIMENSION
    np.testing.assert_allclose(np.linalg.norm(decoded, axis=1), 1, atol=1e-5)


def test_the_item_tower_reads_item_features(shop: LiveApp) -> None:
    response = shop.post("embed", {"records": [{"title": "red mug"}], "tower": "item"})
    query = shop.post("embed", {"records": [{"text": "red mug"}]})
    np.testing.assert_allclose(response.json()["embeddings"], query.json()["embeddings"], atol=1e-6)
    wrong = shop.post("embed", {"records": [{"title": "red mug"}]})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid-record")


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"records": []}, 422, "records"),
        ({"records": [{"text": "a"}] * 17}, 413, "17 entries"),
        ({"records": [{"text": "a"}], "dimensions": 4}, 422, "Matryoshka"),
        ({"records": [{"text": "a"}], "encoding_format": "hex"}, 422, "encoding_format"),
        ({"records": [{"text": "a"}], "tower": "user"}, 422, "tower"),
    ],
)
def test_bad_input(shop: LiveApp, body: dict[str, object], status: int, named: str) -> None:
    response = shop.post("embed", body)
    assert response.status_code == status
    assert named in response.json()["detail"]


def test_the_own_dimension_may_be_asked_for(shop: LiveApp) -> None:
    assert shop.post("embed", {"records": [{"text": "a"}], "dimensions": DIMENSION}).status_code == 200


def test_raw_embeddings_are_the_same_numbers_and_headers_name_what_made_them(shop: LiveApp) -> None:
    body = {"records": [{"text": "red mug"}, {"text": "blue lamp"}]}
    named = shop.post("embed", body).json()
    raw = shop.post("embed", body, headers={"accept": "application/octet-stream"})
    assert raw.headers["content-type"] == "application/octet-stream"
    rows = np.frombuffer(raw.content, dtype="<f4").reshape(2, int(raw.headers["tandem-dimension"]))
    np.testing.assert_array_equal(rows, np.array(named["embeddings"], dtype=np.float32))
    headers = ("tandem-collection", "tandem-bundle-id", "tandem-index-version")
    assert [raw.headers[name] for name in headers] == [
        named[name] for name in ("collection", "bundle_id", "index_version")
    ]
    wrong = shop.post("embed", {"records": [{}]}, headers={"accept": "application/octet-stream"})
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")
