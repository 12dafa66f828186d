from typing import Any, get_args

import pytest

from index.kinds import IndexKind
from tests.contracts.index_kind import IndexKindContract

KINDS: list[Any] = list(get_args(get_args(IndexKind)[0]))


@pytest.fixture(params=KINDS, ids=lambda kind: str(kind.model_fields["kind"].default))
def kind(request: pytest.FixtureRequest) -> IndexKind:
    built: IndexKind = request.param()
    return built


class TestEveryKind(IndexKindContract):
    """A kind that stands in the union is held to the contract."""
