import pytest
from pydantic import ValidationError

from bundle.features import FeatureSpec, vocabulary_features, vocabulary_name


def _spec(*query: dict[str, object]) -> FeatureSpec:
    return FeatureSpec.model_validate({"query": query, "item": [{"kind": "category", "name": "item_id"}]})


def test_a_spec_survives_its_manifest() -> None:
    spec = _spec({"kind": "text", "name": "title"}, {"kind": "sequence", "name": "history"})
    assert FeatureSpec.model_validate_json(spec.model_dump_json()) == spec


def test_vocabularies_are_shared_by_name() -> None:
    spec = _spec({"kind": "sequence", "name": "history"}, {"kind": "category", "name": "brand"})
    names = [vocabulary_name(feature) for feature in vocabulary_features([*spec.query, *spec.item])]
    assert names == ["item_id", "brand", "item_id"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ([], "at least 1 item"),
        ([{"kind": "picture", "name": "x"}], "'text', 'tokens', 'category'"),
        ([{"kind": "text", "name": "the title"}], "should match pattern"),
        ([{"kind": "text", "name": "x", "min_gram": 5, "max_gram": 4}], "max_gram 4 is below min_gram 5"),
        ([{"kind": "text", "name": "x"}, {"kind": "number", "name": "x"}], "feature names repeat: x, x"),
        ([{"kind": "vector", "name": "embedding", "dimension": 3}], "so is the output of every tower"),
        ([{"kind": "sequence", "name": "x", "oov_buckets": 7}], "'item_id' must agree on oov_buckets"),
        ([{"kind": "number", "name": "x", "scale": 2}], "Extra inputs are not permitted"),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(query: list[dict[str, object]], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        _spec(*query)
