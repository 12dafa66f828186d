"""What every objective owes its users, whatever its formula."""

from dataclasses import replace
from typing import cast

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from training.objectives import LossInput, Objective, ObjectiveConfig

TEMPERATURES = (0.01, 0.02, 0.05, 1.0)


def unit(*shape: int, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    scaled: Tensor = (values / values.norm(dim=-1, keepdim=True)).to(dtype)
    return scaled


def batch(n: int = 5, m: int = 9, d: int = 4, dtype: torch.dtype = torch.float32) -> LossInput:
    """Rows with one, two and three targets, an invalid item here and there, draws, probabilities, grades, a teacher."""
    positive_BM = torch.zeros(n, m, dtype=torch.bool)
    valid_BM = torch.ones(n, m, dtype=torch.bool)
    for row in range(n):
        positive_BM[row, [(row + step) % m for step in range(1 + row % 3)]] = True
        valid_BM[row, (row + 5) % m] = False
    draws_M = torch.arange(m) % 3
    logq_M = torch.log_softmax(torch.arange(m, dtype=dtype) / m, 0)
    weight_B = torch.linspace(0.5, 1.5, n, dtype=dtype)
    grade_BM = (1.0 + (torch.arange(n * m, dtype=dtype) % 4)).reshape(n, m)
    teacher_BM = unit(n, m, seed=5, dtype=dtype)
    teacher_BM[~(positive_BM | (torch.arange(n * m).reshape(n, m) % 2 == 0))] = torch.nan
    return LossInput(
        unit(n, d, seed=1, dtype=dtype),
        unit(m, d, seed=2, dtype=dtype),
        positive_BM,
        valid_BM,
        draws_M,
        logq_M,
        weight_B,
        grade_BM,
        teacher_BM,
        count_M=1 + torch.arange(m) ** 2,
    )


def choose(given: LossInput, rows: Tensor, columns: Tensor) -> LossInput:
    """The same batch with these queries and these items only, in this order; an item may be taken twice."""

    def of_items(value: Tensor | None) -> Tensor | None:
        return None if value is None else value[columns]

    def of_pairs(value: Tensor | None) -> Tensor | None:
        return None if value is None else value[rows][:, columns]

    return LossInput(
        given.query_BD[rows],
        given.item_MD[columns],
        given.positive_BM[rows][:, columns],
        given.valid_BM[rows][:, columns],
        of_items(given.draws_M),
        of_items(given.logq_M),
        None if given.weight_B is None else given.weight_B[rows],
        of_pairs(given.grade_BM),
        of_pairs(given.teacher_BM),
        of_items(given.count_M),
        of_items(given.certain_M),
    )


ALL_ROWS, ALL_COLUMNS = torch.arange(5), torch.arange(9)


def with_gradients(objective: Objective, given: LossInput) -> tuple[Tensor, Tensor, Tensor]:
    query_BD, item_MD = given.query_BD.clone().requires_grad_(), given.item_MD.clone().requires_grad_()
    loss = objective(replace(given, query_BD=query_BD, item_MD=item_MD)).loss
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach(), cast(Tensor, query_BD.grad), cast(Tensor, item_MD.grad)


# Kinds that hold a factor fixed on purpose, where gradcheck sees it move: the form of them, or the batch, without it.
# Their gradients are checked by hand in their own tests.
FIXED_FACTOR: dict[str, dict[str, object]] = {
    "softmax": {"logq": "classic"},  # the corrected softmax weighs each target by how badly it is missed
    "decoupled_softmax": {"logq": "classic"},
    "positive_unlabelled": {"gamma": 0.0},  # the power of the mean probability
}
FIXED_SHARES = {  # the shares of several targets of one anchor, which with one target are 1
    "triplet_alignment",
    "hardest_triplet",
}
COUNTS_ONCE = {
    "hardest_triplet": "the maximum does not change when an item is there twice",
    "graded_kl": "the judged candidates are a query's own list",
    "distill_kl": "as graded_kl",
    "margin_mse": "as graded_kl",
    "logit_distillation": "as graded_kl",
    "adversarial": "as graded_kl",
    "conr": "compares a query's graded targets only",
}
OVERFITS_WITH: dict[str, dict[str, object]] = {
    "matryoshka": {"dims": (16, 8)},  # the leading entries alone are what it trains
    "logit_distillation": {
        "temperature": 2.0
    },  # a small one turns squares into absolute errors, which ignore one in 64
}
NEVER_ALONE = {"conr": "regularises the items of a query among each other and never pulls a query"}


def with_temperature(config: ObjectiveConfig, temperature: float) -> ObjectiveConfig:
    """The same objective at another temperature, if it has one."""
    if "temperature" not in type(config).model_fields:
        return config
    return config.model_copy(update={"temperature": temperature})


def built(config: ObjectiveConfig, dimension: int) -> Objective:
    torch.manual_seed(0)  # an objective with weights of its own draws them
    return config.build(dimension)


def with_one_target(given: LossInput) -> LossInput:
    """The first target of each query; the others leave the pool."""
    first_BM = given.positive_BM & (given.positive_BM.cumsum(1) == 1)
    return replace(given, positive_BM=first_BM, valid_BM=given.valid_BM & (first_BM | ~given.positive_BM))


class ObjectiveContract:
    """Subclass with a `config` fixture for embeddings of 4; its temperature is replaced where a test needs another."""

    @pytest.fixture
    def objective(self, config: ObjectiveConfig) -> Objective:
        return built(config, 4)

    def test_the_order_of_queries_and_items_does_not_matter(self, objective: Objective) -> None:
        given = batch()
        rows, columns = torch.randperm(5), torch.randperm(9)
        moved = choose(given, rows, columns)
        torch.testing.assert_close(objective(moved).loss, objective(given).loss)
        torch.testing.assert_close(objective(moved).per_query_B, objective(given).per_query_B[rows])

    def test_invalid_items_change_neither_loss_nor_gradients(self, objective: Objective) -> None:
        given = batch()
        longer = choose(given, ALL_ROWS, torch.tensor([*range(9), 0, 0]))
        item_MD, positive_BM, valid_BM = longer.item_MD.clone(), longer.positive_BM.clone(), longer.valid_BM.clone()
        item_MD[9:], positive_BM[:, 9:], valid_BM[:, 9:] = 1e18, torch.tensor([False, True]), False
        padded = replace(longer, item_MD=item_MD, positive_BM=positive_BM, valid_BM=valid_BM)
        loss, query_BD, item_MD = with_gradients(objective, given)
        padded_loss, padded_query_BD, padded_item_MD = with_gradients(objective, padded)
        torch.testing.assert_close(padded_loss, loss)
        torch.testing.assert_close(padded_query_BD, query_BD)
        torch.testing.assert_close(padded_item_MD[:9], item_MD)
        assert (padded_item_MD[9:] == 0).all()

    def test_gradients_are_those_of_the_loss(self, config: ObjectiveConfig) -> None:
        exact = config
        if config.draw_correction == "corrected" or config.kind == "positive_unlabelled":
            exact = config.model_copy(update=FIXED_FACTOR[config.kind])
        objective, given = built(exact, 4), batch(3, 6, 4, torch.float64)
        given = with_one_target(given) if config.kind in FIXED_SHARES else given

        def loss(query_BD: Tensor, item_MD: Tensor) -> Tensor:
            return objective(replace(given, query_BD=query_BD, item_MD=item_MD)).loss

        inputs = given.query_BD.requires_grad_(), given.item_MD.requires_grad_()
        assert torch.autograd.gradcheck(loss, inputs)

    @pytest.mark.parametrize("temperature", TEMPERATURES)
    @pytest.mark.parametrize("cosine", [-1.0, 0.0, 1.0])
    def test_extreme_scores_stay_finite_in_half_precision(
        self, config: ObjectiveConfig, temperature: float, cosine: float
    ) -> None:
        objective = built(with_temperature(config, temperature), 4)
        given = batch(dtype=torch.bfloat16)
        axis_D = torch.eye(4, dtype=torch.bfloat16)[0]
        given = replace(given, query_BD=axis_D.expand(5, 4), item_MD=cosine * axis_D.expand(9, 4))
        loss, query_BD, item_MD = with_gradients(objective, replace(given, logq_M=cast(Tensor, given.logq_M).float()))
        assert loss.dtype == torch.float32
        assert loss.isfinite()
        assert query_BD.isfinite().all()
        assert item_MD.isfinite().all()

    def test_a_query_of_which_nothing_can_be_learned_is_skipped_and_changes_nothing_else(
        self, objective: Objective
    ) -> None:
        given = batch()
        positive_BM, valid_BM = given.positive_BM.clone(), given.valid_BM.clone()
        teacher_BM = cast(Tensor, given.teacher_BM).clone()
        positive_BM[0] = False
        valid_BM[1] = positive_BM[1]
        teacher_BM[:2] = torch.nan
        given = replace(given, positive_BM=positive_BM, valid_BM=valid_BM, teacher_BM=teacher_BM)
        output, others = objective(given), objective(choose(given, ALL_ROWS[2:], ALL_COLUMNS))
        assert int(output.logs["skipped"]) == 2 + int(others.logs["skipped"])
        assert (output.per_query_B[:2] == 0).all()
        torch.testing.assert_close(output.loss, others.loss)
        _, query_BD, item_MD = with_gradients(objective, given)
        assert query_BD.isfinite().all()
        assert item_MD.isfinite().all()
        assert (query_BD[:2] == 0).all()

    def test_a_batch_of_which_nothing_counts_gives_zero(self, objective: Objective) -> None:
        given = batch()
        teacher_BM = torch.full_like(cast(Tensor, given.teacher_BM), torch.nan)
        given = replace(given, positive_BM=given.positive_BM & False, teacher_BM=teacher_BM)
        loss, query_BD, item_MD = with_gradients(objective, given)
        assert loss == 0
        assert (query_BD == 0).all()
        assert (item_MD == 0).all()

    def test_an_item_drawn_twice_is_two_items(self, config: ObjectiveConfig, objective: Objective) -> None:
        given = replace(batch(), draws_M=torch.tensor([1, 1, 1, 1, 1, 1, 1, 1, 2]))
        spread = choose(given, ALL_ROWS, torch.tensor([*range(9), 8]))
        spread = replace(spread, draws_M=torch.ones(10, dtype=torch.int64))
        once = replace(given, draws_M=torch.ones(9, dtype=torch.int64))
        if config.kind in COUNTS_ONCE:
            torch.testing.assert_close(objective(given).loss, objective(once).loss)
        else:
            torch.testing.assert_close(objective(spread).loss, objective(given).loss)
            assert (objective(given).loss - objective(once).loss).abs() > 1e-6

    def test_it_overfits_a_small_world(self, config: ObjectiveConfig) -> None:
        changes = OVERFITS_WITH.get(config.kind, {})
        objective = built(with_temperature(config, 0.1).model_copy(update=changes), 16)
        query_BD = unit(32, 16, seed=3).requires_grad_()
        item_MD = unit(64, 16, seed=4).requires_grad_()
        positive_BM = torch.eye(64, dtype=torch.bool)[:32]
        own = list(objective.parameters()) if isinstance(objective, torch.nn.Module) else []
        optimizer = torch.optim.Adam([query_BD, item_MD, *own], lr=0.01)
        known = LossInput(
            query_BD,
            item_MD,
            positive_BM,
            torch.ones_like(positive_BM),
            logq_M=torch.log_softmax(torch.linspace(0, 2, 64), 0),
            grade_BM=positive_BM.float(),
            teacher_BM=positive_BM.float(),
            count_M=torch.ones(64, dtype=torch.int64),
        )
        found = torch.tensor(0.0)
        for step in range(300):
            q, x = (torch.nn.functional.normalize(side, dim=1) for side in (query_BD, item_MD))
            if step % 20 == 0:
                found = ((q @ x.T).argmax(1) == torch.arange(32)).float().mean()
            if found == 1:
                break
            optimizer.zero_grad()
            loss = objective(replace(known, query_BD=q, item_MD=x)).loss
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        assert found < 1 if config.kind in NEVER_ALONE else found == 1

    def test_the_config_survives_json(self, config: ObjectiveConfig) -> None:
        adapter: TypeAdapter[ObjectiveConfig] = TypeAdapter(ObjectiveConfig)
        assert adapter.validate_json(config.model_dump_json()) == config

    def test_a_nan_comes_through(self, objective: Objective) -> None:
        given = batch()
        item_MD = given.item_MD.clone()
        item_MD[4] = torch.nan
        assert objective(replace(given, item_MD=item_MD)).loss.isnan()
