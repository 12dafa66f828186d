import pytest

from bundle.errors import InvalidRecord
from index.lexical.query_text import QueryText

TEXT = QueryText(["text", "title"], ["title", "history"])


def test_the_fields_are_one_text_and_missing_ones_are_left_out() -> None:
    assert TEXT.of({"title": "mug", "text": "red", "history": ["a"]}) == "red\nmug"
    assert TEXT.of({"text": None, "title": "mug"}) == "mug"


def test_the_tower_gets_what_it_knows() -> None:
    assert TEXT.for_tower({"title": "mug", "text": "red", "history": ["a"]}) == {"title": "mug", "history": ["a"]}
    record = {"title": "mug"}
    assert TEXT.for_tower(record) is record


@pytest.mark.parametrize("record", [{"text": "red"}, {"title": "mug", "history": []}, {"text": None, "title": "x"}])
def test_good_records_pass(record: dict[str, object]) -> None:
    TEXT.check([record])


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"txt": "red"}, "record 1 has unknown fields 'txt'; known are: history, text, title"),
        ({"text": 5}, "record 1, field 'text' must be a text"),
        ({"text": ["red"], "title": "mug"}, "record 1, field 'text' must be a text"),
        ({"history": ["a"]}, "record 1 has no words; give a text as text or title"),
        ({"text": " \n"}, "record 1 has no words"),
        ({}, "record 1 has no words"),
    ],
)
def test_bad_records_are_named(record: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidRecord, match=message) as caught:
        TEXT.check([{"text": "fine"}, record])
    assert caught.value.context["position"] == 1
