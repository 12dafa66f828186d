"""Two heads in one embedding."""

from dataclasses import replace

import pytest
import torch
from pydantic import TypeAdapter
from torch.nn.functional import normalize

from bundle.errors import ConfigError
from tests.contracts.objective import batch, unit, with_gradients
from tests.training.objectives.one_query import close
from training.objectives import ObjectiveConfig
from training.objectives.decoupled_softmax import DecoupledSoftmax, DecoupledSoftmaxConfig
from training.objectives.graded_kl import GradedKLConfig
from training.objectives.heads import Heads, HeadsConfig
from training.objectives.logit_distillation import LogitDistillation
from training.objectives.matryoshka import cut

FIRST, SECOND = DecoupledSoftmax(0.1), LogitDistillation()
HEADS = Heads(FIRST, SECOND, 0.5)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_one_index_of_both_halves_serves_any_mixture_of_their_scores(share: float) -> None:
    given = batch(5, 9, 6, torch.float64)
    views = [cut(given, columns, unit_length=True) for columns in (slice(0, 3), slice(3, None))]
    mixed_BM = share * views[0].query_BD @ views[0].item_MD.T + (1 - share) * views[1].query_BD @ views[1].item_MD.T
    roots = share**0.5, (1 - share) ** 0.5
    query_BD = torch.cat([root * view.query_BD for root, view in zip(roots, views, strict=True)], 1)
    item_MD = torch.cat([root * view.item_MD for root, view in zip(roots, views, strict=True)], 1)
    torch.testing.assert_close(query_BD @ item_MD.T, mixed_BM, rtol=0, atol=1e-6)
    # Shares on the query's side alone leave the stored items as they are.
    query_BD = torch.cat([share * views[0].query_BD, (1 - share) * views[1].query_BD], 1)
    stored_MD = torch.cat([view.item_MD for view in views], 1)
    torch.testing.assert_close(query_BD @ stored_MD.T, mixed_BM, rtol=0, atol=1e-6)


def test_each_half_has_its_own_objective_at_unit_length() -> None:
    given = batch(5, 9, 6, torch.float64)
    output = HEADS(given)
    of_first = FIRST(replace(given, query_BD=normalize(given.query_BD[:, :3]), item_MD=normalize(given.item_MD[:, :3])))
    of_second = SECOND(
        replace(given, query_BD=normalize(given.query_BD[:, 3:]), item_MD=normalize(given.item_MD[:, 3:]))
    )
    close(output.loss, float(of_first.loss + 0.5 * of_second.loss))
    torch.testing.assert_close(output.per_query_B, of_first.per_query_B + 0.5 * of_second.per_query_B)
    close(output.logs["first/loss"], float(of_first.loss))
    close(output.logs["second/loss"], float(of_second.loss))
    first, second = HEADS.views(given)
    torch.testing.assert_close(first.per_query_B, of_first.per_query_B)
    torch.testing.assert_close(second.per_query_B, of_second.per_query_B)


def test_the_length_of_a_half_does_not_matter() -> None:
    given = batch(5, 9, 6, torch.float64)
    longer = torch.cat([3 * given.item_MD[:, :3], 0.2 * given.item_MD[:, 3:]], 1)
    close(HEADS(replace(given, item_MD=longer)).loss, float(HEADS(given).loss))


def test_no_gradient_of_one_objective_reaches_the_other_half() -> None:
    given = batch(5, 9, 6, torch.float64)
    nobody_judged = replace(given, teacher_BM=torch.full((5, 9), torch.nan, dtype=torch.float64))
    _, query_BD, item_MD = with_gradients(HEADS, nobody_judged)
    assert (query_BD[:, 3:] == 0).all()
    assert (item_MD[:, 3:] == 0).all()
    assert query_BD[:, :3].abs().sum() > 0


def test_a_query_counts_as_skipped_when_both_halves_skip_it() -> None:
    given = batch(5, 9, 6)
    assert given.teacher_BM is not None
    teacher_BM, positive_BM = given.teacher_BM.clone(), given.positive_BM.clone()
    teacher_BM[:2] = torch.nan
    positive_BM[1:3] = False
    logs = HEADS(replace(given, teacher_BM=teacher_BM, positive_BM=positive_BM)).logs
    assert [int(logs[key]) for key in ("skipped", "first/skipped", "second/skipped")] == [1, 2, 2]


def test_an_embedding_without_halves_is_refused() -> None:
    config = HeadsConfig(first=DecoupledSoftmaxConfig(), second=GradedKLConfig())
    with pytest.raises(ConfigError, match="dimension = 7 is odd"):
        config.build(7)


def test_the_config_knows_both_sides() -> None:
    config = TypeAdapter(ObjectiveConfig).validate_python(
        {
            "kind": "heads",
            "first": {"kind": "decoupled_softmax", "logq": "corrected"},
            "second": {
                "kind": "weighted_sum",
                "terms": [{"objective": {"kind": "graded_kl"}}, {"objective": {"kind": "adaptive_heads"}}],
            },
            "weight": 0.5,
        }
    )
    assert [type(part).__name__ for part in config.parts] == [
        "DecoupledSoftmaxConfig",
        "GradedKLConfig",
        "AdaptiveHeadsConfig",
    ]
    assert config.draw_correction == "corrected"
    objective = config.build(8)
    assert isinstance(objective, Heads)
    head = next(value for name, value in objective.named_parameters() if name.endswith("head_CDE"))
    assert head.shape[1] == 4


def test_both_halves_learn_when_trained_together() -> None:
    """The first half finds the targets, the second the teacher's scores; neither could do both."""
    query_BD, item_MD = unit(8, 16, seed=1).requires_grad_(), unit(12, 16, seed=2).requires_grad_()
    teacher_BM = (unit(8, 3, seed=3) @ unit(12, 3, seed=4).T).clone()
    positive_BM = torch.eye(12, dtype=torch.bool)[:8]
    given = replace(
        batch(8, 12, 16), positive_BM=positive_BM, valid_BM=positive_BM | True, draws_M=None, teacher_BM=teacher_BM
    )
    optimizer = torch.optim.Adam([query_BD, item_MD], lr=0.02)
    objective = Heads(FIRST, LogitDistillation(1.0, 0.5), 20.0)
    for _ in range(300):
        optimizer.zero_grad()
        objective(replace(given, query_BD=query_BD, item_MD=item_MD)).loss.backward()
        optimizer.step()
    learned = replace(given, query_BD=query_BD.detach(), item_MD=item_MD.detach())
    first = cut(learned, slice(0, 8), unit_length=True)
    second = cut(learned, slice(8, None), unit_length=True)
    assert ((first.query_BD @ first.item_MD.T).argmax(1) == torch.arange(8)).all()
    assert (second.query_BD @ second.item_MD.T - teacher_BM).abs().mean() < 0.05
