"""One objective at several widths."""

from dataclasses import replace

import pytest
import torch
from pydantic import TypeAdapter

from bundle.errors import ConfigError
from tests.contracts.objective import batch, with_gradients
from tests.training.objectives.one_query import close, one_query
from training.objectives import ObjectiveConfig
from training.objectives.decoupled_softmax import DecoupledSoftmax, DecoupledSoftmaxConfig
from training.objectives.matryoshka import Matryoshka, MatryoshkaConfig, cut
from training.objectives.softmax import SoftmaxConfig

BASE = DecoupledSoftmax(0.1)


def test_cosines_of_shortened_embeddings_by_hand() -> None:
    """u = (1, 0, 0, 1), v = (1, 0, 1, 0): cosine .5 at 4 entries, 1 at 2."""
    given = replace(
        one_query([0.0], [0]), query_BD=torch.tensor([[1.0, 0, 0, 1]]), item_MD=torch.tensor([[1.0, 0, 1, 0]])
    )
    for width, cosine in ((4, 0.5), (2, 1.0)):
        short = cut(given, slice(0, width), unit_length=True)
        close(short.query_BD @ short.item_MD.T, cosine)
    free = cut(given, slice(0, 2), unit_length=False)
    assert torch.equal(free.item_MD, torch.tensor([[1.0, 0]]))


def test_one_whole_width_is_the_objective_itself() -> None:
    given = batch(dtype=torch.float64)
    config = MatryoshkaConfig(dims=(4,), objective=DecoupledSoftmaxConfig(temperature=0.1))
    loss, query_BD, item_MD = with_gradients(MatryoshkaConfig.build(config, 4), given)
    close(loss, float(BASE(given).loss))
    # On unit vectors the gradient loses its part along them; the rest is the objective's.
    _, base_query_BD, base_item_MD = with_gradients(BASE, given)
    for side_ND, own_ND, base_ND in ((given.query_BD, query_BD, base_query_BD), (given.item_MD, item_MD, base_item_MD)):
        along_ND = (base_ND * side_ND).sum(1, keepdim=True) * side_ND
        torch.testing.assert_close(own_ND, base_ND - along_ND)


def test_it_is_the_weighted_sum_over_the_widths() -> None:
    given = batch(dtype=torch.float64)
    output = Matryoshka([(4, 1.0, BASE), (3, 0.5, BASE), (1, 2.0, BASE)])(given)
    by_width = {width: BASE(cut(given, slice(0, width), unit_length=True)) for width in (4, 3, 1)}
    weights = {4: 1.0, 3: 0.5, 1: 2.0}
    close(output.loss, sum(weights[width] * float(by_width[width].loss) for width in weights))
    torch.testing.assert_close(output.per_query_B, sum(weights[w] * by_width[w].per_query_B for w in weights))
    for width in weights:
        close(output.logs[f"loss/{width}"], float(by_width[width].loss))


def test_without_unit_length_entries_are_only_cut() -> None:
    given = batch(dtype=torch.float64)
    cut_by_hand = replace(given, query_BD=given.query_BD[:, :2], item_MD=given.item_MD[:, :2])
    config = MatryoshkaConfig(dims=(2,), normalize=False, objective=DecoupledSoftmaxConfig(temperature=0.1))
    close(config.build(4)(given).loss, float(BASE(cut_by_hand).loss))


def test_a_width_beyond_the_embedding_is_refused_by_name() -> None:
    config = MatryoshkaConfig(dims=(128, 96, 32), objective=SoftmaxConfig())
    with pytest.raises(ConfigError, match=r"objective.dims has 128, 96, but dimension = 64"):
        config.build(64)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"dims": [2, 4]}, "do not descend"),
        ({"dims": [4, 4]}, "do not descend"),
        ({"dims": [4, 2], "weights": [1.0]}, "1 weights for 2 dims"),
        ({"dims": []}, "at least 1 item"),
        ({"dims": [4], "logq": "classic"}, "leaves logq to its objective"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        MatryoshkaConfig.model_validate({"objective": {"kind": "softmax"}, **settings})


def test_it_wraps_a_sum_with_weights_of_its_own_at_each_width() -> None:
    config = TypeAdapter(ObjectiveConfig).validate_python(
        {
            "kind": "matryoshka",
            "dims": [4, 2],
            "objective": {
                "kind": "weighted_sum",
                "terms": [
                    {"objective": {"kind": "softmax", "logq": "classic"}},
                    {"objective": {"kind": "adaptive_heads", "heads": 1}},
                ],
            },
        }
    )
    assert [part.model_dump()["kind"] for part in config.parts] == ["softmax", "adaptive_heads"]
    assert config.draw_correction == "classic"
    objective = config.build(4)
    assert isinstance(objective, Matryoshka)
    assert [tuple(value.shape) for name, value in objective.named_parameters() if "head" in name] == [
        (1, 4, 2),
        (1, 2, 1),
    ]
    given = batch()
    output = objective(replace(given, query_BD=given.query_BD.requires_grad_()))
    output.loss.backward()
    assert all(value.grad is not None and value.grad.isfinite().all() for value in objective.parameters())
    assert output.logs["4/gradient/softmax"] > 0
    assert output.logs["2/loss/adaptive_heads"].isfinite()
