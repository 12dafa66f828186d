import base64
from types import ModuleType

import numpy as np
import orjson
import pytest
from fastapi.testclient import TestClient

from benchmarks.serving_parts import bare, textbook
from benchmarks.serving_parts.textbook import TEXTBOOK_PATH
from benchmarks.serving_parts.vector_collection import LEAST_EF
from benchmarks.serving_parts.vector_search import forms_of
from index.corpus import Corpus
from tests.contracts.index_kind import clustered


def test_every_form_holds_the_same_query() -> None:
    queries_QD = clustered(3)
    forms = forms_of(queries_QD)
    numbers = np.array(orjson.loads(forms["json"].bodies[1])["vectors"], dtype=np.float32)
    encoded = base64.b64decode(orjson.loads(forms["base64"].bodies[1])["vectors"][0])
    np.testing.assert_array_equal(numbers[0], queries_QD[1])
    assert encoded == forms["raw-bytes"].bodies[1] == queries_QD[1].tobytes()


@pytest.mark.parametrize("service", [textbook, bare])
def test_what_is_compared_finds_what_the_index_finds(service: ModuleType) -> None:
    vectors_ND = clustered(500)
    index = LEAST_EF.build(Corpus(vectors_ND), 0)
    query = vectors_ND[7].tolist()
    client = TestClient(service.make_app(index, 64))
    assert client.get("/readyz").status_code == 200
    answer = client.post(TEXTBOOK_PATH, json={"vector": query, "k": 3}).json()
    _, row_QK = index.search(vectors_ND[7:8], 3)
    assert [hit["item_id"] for hit in answer["hits"]] == [f"item-{row:06d}" for row in row_QK[0]]
    assert answer["hits"][0]["score"] == pytest.approx(float(vectors_ND[7] @ vectors_ND[row_QK[0, 0]]), abs=1e-5)
