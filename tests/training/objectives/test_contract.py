"""Every kind of the union against the contract, and the tables of what does not hold for some, with the reason."""

from dataclasses import replace
from typing import get_args

import pytest
import torch

from tests.contracts.objective import ObjectiveContract, batch
from tests.training.objectives.kinds import EXAMPLES, NO_SHIFT, SHIFT_INVARIANT, SHIFT_SEEN, named
from training.objectives import ObjectiveConfig

KINDS = get_args(get_args(ObjectiveConfig)[0])


@pytest.mark.parametrize("config", EXAMPLES, ids=named)
class TestEveryObjective(ObjectiveContract):
    pass


def test_every_kind_has_an_example_and_a_place_in_the_table_of_shifts() -> None:
    kinds = {kind.model_fields["kind"].default for kind in KINDS}
    assert {config.kind for config in EXAMPLES} == kinds
    assert {*SHIFT_INVARIANT, *SHIFT_SEEN, *NO_SHIFT} == kinds
    assert len(SHIFT_INVARIANT) + len(SHIFT_SEEN) + len(NO_SHIFT) == len(kinds)


@pytest.mark.parametrize("config", [config for config in EXAMPLES if config.kind not in NO_SHIFT], ids=named)
def test_only_calibrating_kinds_see_a_constant_added_to_the_scores_of_a_query(config: ObjectiveConfig) -> None:
    given = batch(dtype=torch.float64)
    shift_B1 = torch.linspace(-0.4, 0.4, 5, dtype=torch.float64)[:, None]
    one_M1 = torch.ones(9, 1, dtype=torch.float64)

    def lifted(size: float) -> float:
        query_BD = torch.cat([given.query_BD, size * shift_B1, 0 * shift_B1], 1)
        item_MD = torch.cat([given.item_MD, one_M1, 0 * one_M1], 1)
        return float(objective(replace(given, query_BD=query_BD, item_MD=item_MD)).loss)

    torch.manual_seed(0)
    objective = config.build(6)
    change = abs(lifted(1.0) - lifted(0.0))
    assert change < 1e-9 if config.kind in SHIFT_INVARIANT else change > 1e-3
