"""Checks the search parameters of one request against what an index kind takes."""

from collections.abc import Mapping

from index.errors import InvalidSearchParams

LARGEST_VALUE = 65_536


def check_params(kind: str, params: Mapping[str, int], accepted: tuple[str, ...]) -> None:
    """Raise InvalidSearchParams unless every parameter is one of `accepted` with a whole number in range.

    The upper bound guards memory: faiss allocates a heap as large as the number it is given.
    """
    takes = f"takes {' and '.join(accepted)}" if accepted else "takes no search parameters"
    for name, value in params.items():
        if name not in accepted:
            raise InvalidSearchParams(
                f"search parameter '{name}' is not known to this index: its kind {kind} {takes}",
                parameter=name,
                kind=kind,
                accepted=list(accepted),
            )
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_VALUE:
            raise InvalidSearchParams(
                f"search parameter '{name}' is {value!r}; give a whole number from 1 to {LARGEST_VALUE}",
                parameter=name,
                kind=kind,
            )
