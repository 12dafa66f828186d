"""The texts of a request that may also hold one text, or token ids."""

from typing import Any

from service.errors import InvalidRequest


def texts_of(field: str, value: str | list[Any]) -> list[str]:
    """`value` as a list of texts; raises InvalidRequest that says why token ids cannot be read."""
    if isinstance(value, str):
        return [value]
    if not value:
        raise InvalidRequest(f"{field} is empty; give a text or a list of texts", param=field)
    for position, text in enumerate(value):
        if isinstance(text, int | list):
            raise InvalidRequest(
                f"{field}[{position}] is a token id or a list of them, but each tower reads with a tokenizer of its "
                "own; send texts",
                param=field,
            )
        if not isinstance(text, str):
            raise InvalidRequest(f"{field}[{position}] must be text", param=field)
    return value
