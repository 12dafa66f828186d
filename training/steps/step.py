"""One step: both towers' embeddings, the loss on all of them, and its gradients in the parameters.

Axes: B queries, M items of the pool, S rows of one process, D embedding.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.batches import Batch
from training.memory import Memory
from training.model import DualEncoder
from training.objectives import LossOutput, Objective
from training.processes import Processes
from training.steps.contract import Encode, Encoded, HasOwnLoss


class Step:
    """Adds the gradients of a batch to the parameters of the model and of the objective.

    Each process encodes its share of the queries and of the items, gathers all embeddings, and computes the whole loss;
    gradients of the towers are then summed over the processes, so their number changes no gradient.
    """

    def __init__(
        self,
        model: DualEncoder,
        objective: Objective,
        encode: Encode,
        *,
        processes: Processes | None = None,
        memory: Memory | None = None,
    ) -> None:
        self._model = model
        self._objective = objective
        self._encode = encode
        self._processes = processes or Processes()
        self._memory = memory
        self._with_own_loss = [module for module in model.modules() if isinstance(module, HasOwnLoss)]

    def __call__(self, batch: Batch, *, remember: bool = False) -> LossOutput:
        """The loss of the batch; with `remember` its items join the memory and meet those already there."""
        device = batch.positive_BM.device
        with self._processes.own_randomness(device):
            query, item = (
                self._own(self._model.query, batch.query_arrays),
                self._own(self._model.item, batch.item_arrays),
            )
        query_BD = self._all(query, len(batch.rows_B))
        item_MD = self._all(item, len(batch.item_rows_M))
        given = batch.loss_input(query_BD, item_MD)
        if remember and self._memory is not None:
            given = self._memory.extend(given, batch)
            self._memory.remember(item_MD, batch)
        output = self._objective(given)
        output.loss.backward()  # type: ignore[no-untyped-call]
        for encoded, whole_ND in ((query, query_BD), (item, item_MD)):
            if whole_ND.grad is not None:
                encoded.backward(self._processes.own_rows(whole_ND.grad))
        output = self._add_own_losses(output)
        self._processes.sum_gradients(self._model.parameters())
        if isinstance(self._objective, nn.Module):  # every process has the whole gradient of these already
            self._processes.sum_gradients(self._objective.parameters(), 1 / self._processes.count)
        return output

    def _add_own_losses(self, output: LossOutput) -> LossOutput:
        """Every process computes all of them alike, so each adds its share of their gradients."""
        terms = {name: term for module in self._with_own_loss for name, term in module.own_loss().items()}
        if not terms:
            return output
        total = torch.stack([*terms.values()]).sum()
        (total / self._processes.count).backward()  # type: ignore[no-untyped-call]
        logs = {**output.logs, **{f"loss/{name}": term.detach() for name, term in terms.items()}}
        return LossOutput(output.loss.detach() + total.detach(), output.per_query_B, logs)

    def _own(self, tower: nn.Module, arrays: Sequence[Tensor]) -> Encoded:
        return self._encode(tower, [self._processes.own_records(array) for array in arrays])

    def _all(self, own: Encoded, n: int) -> Tensor:
        """The embeddings of all processes, as the leaf at which the loss's gradient stops."""
        return self._processes.gather(own.embedding_ND)[:n].detach().requires_grad_()
