import pytest

from service.errors import InvalidRequest
from service.routes.compat.texts import texts_of


def test_one_text_or_a_list() -> None:
    assert texts_of("input", "a") == ["a"]
    assert texts_of("input", ["a", "b"]) == ["a", "b"]
    assert texts_of("input", "") == [""]  # the tower says what is wrong with it


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ([], "is empty"),
        ([1], r"input\[0\] is a token id"),
        (["a", [1]], r"\[1\] is a token id"),
        ([None], "must be text"),
    ],
)
def test_what_is_no_text(value: list[object], named: str) -> None:
    with pytest.raises(InvalidRequest, match=named):
        texts_of("input", value)
