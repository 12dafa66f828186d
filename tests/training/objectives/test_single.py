"""The union of objectives that stand alone."""

from typing import get_args

import pytest

from training.objectives.contract import ObjectiveSettings
from training.objectives.single import SingleObjective

KINDS: tuple[type[ObjectiveSettings], ...] = get_args(SingleObjective)


def test_every_kind_has_a_name_of_its_own_and_is_built_from_its_defaults() -> None:
    assert len({kind.model_fields["kind"].default for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        config = kind()
        assert callable(config.build(8))
        assert config.parts == (config,)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "logq" not in kind.model_fields])
def test_a_kind_without_a_logq_correction_refuses_it_with_a_reason(kind: type[ObjectiveSettings]) -> None:
    with pytest.raises(ValueError, match="so a logQ correction would bias it"):
        kind.model_validate({"logq": "classic"})
