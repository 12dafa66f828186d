from typing import Any, get_args

import pytest

from index.kinds import FLAT_UNTIL, IndexKind, default_kind
from tests.contracts.index_kind import IndexKindContract

KINDS: list[Any] = list(get_args(get_args(IndexKind)[0]))


@pytest.fixture(params=KINDS, ids=lambda kind: str(kind.model_fields["kind"].default))
def kind(request: pytest.FixtureRequest) -> IndexKind:
    built: IndexKind = request.param()
    return built


class TestEveryKind(IndexKindContract):
    """A kind that stands in the union is held to the contract."""


def test_the_default_is_exact_up_to_twenty_thousand_items() -> None:
    assert default_kind(1).kind == default_kind(FLAT_UNTIL).kind == "flat"
    assert default_kind(FLAT_UNTIL + 1).kind == "ivf_flat"
