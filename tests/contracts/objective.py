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
    )


ALL_ROWS, ALL_COLUMNS = torch.arange(5), torch.arange(9)


def with_gradients(objective: Objective, given: LossInput) -> tuple[Tensor, Tensor, Tensor]:
    query_BD, item_MD = given.query_BD.clone().requires_grad_(), given.item_MD.clone().requires_grad_()
    loss = objective(replace(given, query_BD=query_BD, item_MD=item_MD)).loss
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach(), cast(Tensor, query_BD.grad), cast(Tensor, item_MD.grad)


class ObjectiveContract:
    """Subclass with a `config` fixture; its temperature is replaced where a test needs another."""

    @pytest.fixture
    def objective(self, config: ObjectiveConfig) -> Objective:
        return config.build(4)

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
        # The corrected kind holds a factor fixed on purpose; its gradient is checked by hand beside the contract.
        exact = config.model_copy(update={"logq": "classic"}) if config.draw_correction == "corrected" else config
        objective, given = exact.build(4), batch(3, 6, 4, torch.float64)

        def loss(query_BD: Tensor, item_MD: Tensor) -> Tensor:
            return objective(replace(given, query_BD=query_BD, item_MD=item_MD)).loss

        inputs = given.query_BD.requires_grad_(), given.item_MD.requires_grad_()
        assert torch.autograd.gradcheck(loss, inputs)

    @pytest.mark.parametrize("temperature", TEMPERATURES)
    @pytest.mark.parametrize("cosine", [-1.0, 0.0, 1.0])
    def test_extreme_scores_stay_finite_in_half_precision(
        self, config: ObjectiveConfig, temperature: float, cosine: float
    ) -> None:
        objective = config.model_copy(update={"temperature": temperature}).build(4)
        given = batch(dtype=torch.bfloat16)
        axis_D = torch.eye(4, dtype=torch.bfloat16)[0]
        given = replace(given, query_BD=axis_D.expand(5, 4), item_MD=cosine * axis_D.expand(9, 4))
        loss, query_BD, item_MD = with_gradients(objective, replace(given, logq_M=cast(Tensor, given.logq_M).float()))
        assert loss.dtype == torch.float32
        assert loss.isfinite()
        assert query_BD.isfinite().all()
        assert item_MD.isfinite().all()

    def test_queries_without_target_or_negative_count_as_skipped_and_nothing_else(self, objective: Objective) -> None:
        given = batch()
        positive_BM, valid_BM = given.positive_BM.clone(), given.valid_BM.clone()
        positive_BM[0] = False
        valid_BM[1] = positive_BM[1]
        output = objective(replace(given, positive_BM=positive_BM, valid_BM=valid_BM))
        others = choose(given, ALL_ROWS[2:], ALL_COLUMNS)
        assert int(output.logs["skipped"]) == 2
        assert (output.per_query_B[:2] == 0).all()
        torch.testing.assert_close(output.loss, objective(others).loss)
        _, query_BD, item_MD = with_gradients(objective, replace(given, positive_BM=positive_BM, valid_BM=valid_BM))
        assert query_BD.isfinite().all()
        assert item_MD.isfinite().all()
        assert (query_BD[:2] == 0).all()

    def test_a_batch_of_which_nothing_counts_gives_zero(self, objective: Objective) -> None:
        given = batch()
        loss, query_BD, item_MD = with_gradients(objective, replace(given, positive_BM=given.positive_BM & False))
        assert loss == 0
        assert (query_BD == 0).all()
        assert (item_MD == 0).all()

    def test_an_item_drawn_twice_is_two_items(self, objective: Objective) -> None:
        given = replace(batch(), draws_M=torch.tensor([1, 1, 1, 1, 1, 1, 1, 1, 2]))
        spread = choose(given, ALL_ROWS, torch.tensor([*range(9), 8]))
        spread = replace(spread, draws_M=torch.ones(10, dtype=torch.int64))
        torch.testing.assert_close(objective(spread).loss, objective(given).loss)

    def test_it_overfits_a_small_world(self, config: ObjectiveConfig) -> None:
        objective = config.model_copy(update={"temperature": 0.1}).build(16)
        query_BD = unit(32, 16, seed=3).requires_grad_()
        item_MD = unit(64, 16, seed=4).requires_grad_()
        positive_BM = torch.eye(64, dtype=torch.bool)[:32]
        optimizer = torch.optim.Adam([query_BD, item_MD], lr=0.01)
        logq_M = torch.log_softmax(torch.linspace(0, 2, 64), 0)
        for _ in range(300):
            q, x = (torch.nn.functional.normalize(side, dim=1) for side in (query_BD, item_MD))
            optimizer.zero_grad()
            loss = objective(LossInput(q, x, positive_BM, torch.ones_like(positive_BM), logq_M=logq_M)).loss
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        assert ((query_BD @ item_MD.T).argmax(1) == torch.arange(32)).all()

    def test_the_config_survives_json(self, config: ObjectiveConfig) -> None:
        adapter: TypeAdapter[ObjectiveConfig] = TypeAdapter(ObjectiveConfig)
        assert adapter.validate_json(config.model_dump_json()) == config

    def test_a_nan_comes_through(self, objective: Objective) -> None:
        given = batch()
        item_MD = given.item_MD.clone()
        item_MD[4] = torch.nan
        assert objective(replace(given, item_MD=item_MD)).loss.isnan()
