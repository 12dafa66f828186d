"""Learn the towers from a dataset: features, examples, loop; then, if asked, anew on train and validation together.

Axes: N interaction rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from torch import nn

from bundle.columns import EncodedRecords
from bundle.progress import Progress
from training.batches import Batches
from training.checkpoint import CheckpointFile
from training.collapse import measure_spread
from training.config import TrainConfig
from training.dataset import Dataset
from training.device import open_device, repeatable
from training.epoch_hook import HookContext
from training.evaluate import evaluate
from training.evaluation_set import evaluation_queries
from training.examples import Examples, build_examples
from training.fit_features import FittedFeatures, cold_item_rows, fit_featurizers
from training.hooks import build_hooks
from training.item_graph import ItemGraph, build_item_graph
from training.known import KnownPositives, held_out_pairs
from training.loop import EpochLog, Loop, Validate
from training.model import DualEncoder, ModelConfig, TowerData, build_model, text_idf
from training.pretrained import PretrainedModels
from training.processes import Processes
from training.quantizers.contract import Behaviour
from training.ragged import IntArray
from training.records import encode_items
from training.run_id import reads_of, run_id
from training.score import model_score
from training.semantic_id_features import TrainedRecords, fit_semantic_id_features
from training.splits import Split
from training.strategies import check_grades


@dataclass(frozen=True)
class Learned:
    """A trained model with the features it reads, and how training went.

    `logs`: the epochs with validation; `final_logs`: those of the second training, empty without one. `best_epoch`:
    the epoch that validation picked, or the last. `context`: what the model was trained on, for what is trained after
    it. `selected`: of two trainings the first, which has not learnt from the validation part, where something learns
    from that.
    """

    model: DualEncoder
    features: FittedFeatures
    items: EncodedRecords
    logs: list[EpochLog]
    final_logs: list[EpochLog]
    best_epoch: int
    examples: int
    left_out: int
    context: HookContext
    selected: "Learned | None" = None


@dataclass(frozen=True)
class _Phase:
    """One training from fresh weights."""

    name: str
    task: str
    fit_N: IntArray
    validation_N: IntArray
    epochs: int


class Learner:
    """One run of learning: the data, the settings, and where its checkpoints lie (None for none)."""

    def __init__(
        self,
        config: TrainConfig,
        dataset: Dataset,
        split: Split,
        progress: Progress,
        folder: Path | None = None,
        base: Path = Path(),
        processes: Processes | None = None,
    ) -> None:
        """`base`: where relative paths of pretrained models count from; `processes`: those that learn together.

        Raises BadData when the objective needs grades that the interactions lack.
        """
        check_grades(config.objective, dataset.interactions)
        self._config = config
        self._dataset = dataset
        self._split = split
        self._progress = progress
        self._folder = folder
        self._pretrained = PretrainedModels(config.pretrained, base)
        self._device = open_device(config.trainer.device)
        self._processes = processes or Processes()

    def learn(self, *, resume: bool = False) -> Learned:
        """Train, and return the model on the CPU in evaluation mode.

        Equal settings and data give equal weights, whether or not the run was interrupted and resumed. Raises Diverged,
        Collapsed, BadData, CheckpointCorrupt, CheckpointNotSaved, ProcessLost.
        """
        with self._processes.joined(self._device):
            return self._learn(resume)

    def _learn(self, resume: bool) -> Learned:
        split, trainer = self._split, self._config.trainer
        refits = trainer.refit == "validation" and trainer.epochs > 0 and len(split.validation_N) > 0
        self._check_checkpoints(["select", "refit"] if refits else ["select"], resume)
        first = self._train(_Phase("select", "epoch", split.train_N, split.validation_N, trainer.epochs), resume)
        if not refits:
            return first
        both_N = np.union1d(split.train_N, split.validation_N)
        second = self._train(_Phase("refit", "refit epoch", both_N, split.validation_N[:0], first.best_epoch), resume)
        return replace(
            second,
            logs=first.logs,
            final_logs=second.logs,
            best_epoch=first.best_epoch,
            selected=first if self._config.rerankers.learns_from_held_out else None,
        )

    def _check_checkpoints(self, names: Sequence[str], resume: bool) -> None:
        """Before hours are spent: what cannot be resumed is refused, what will not be is deleted."""
        if resume:
            for name in names:
                if checkpoint := self._checkpoint(name):
                    checkpoint.load()
        elif self._processes.leads:
            self.forget()

    def forget(self) -> None:
        """Delete the checkpoints of this run."""
        for name in ("select", "refit"):
            if checkpoint := self._checkpoint(name):
                checkpoint.remove()

    def _train(self, phase: _Phase, resume: bool) -> Learned:
        config, dataset = self._config, self._dataset
        tokenizers = self._pretrained.tokenizers([*config.features.query, *config.features.item])
        features = fit_featurizers(config.features, dataset, phase.fit_N, tokenizers)
        examples = build_examples(dataset, phase.fit_N, config.examples, features.query)
        items = encode_items(dataset, features.item)
        counts_N = np.bincount(examples.targets.values_V, minlength=len(items)).astype(np.int64)
        with repeatable(config.trainer.seed, config.trainer.threads, self._device):
            model = self._model(phase, features, examples, items, counts_N).to(self._device)
            objective = config.objective.build(config.dimension)
            if isinstance(objective, nn.Module):
                objective.to(self._device)
            batches = self._batches(phase, examples, items, counts_N)
            context = HookContext(
                dataset,
                features,
                model,
                objective,
                batches,
                self._device,
                config.trainer.seed,
                self._progress,
                self._pretrained,
                self._held_out(phase),
            )
            loop = Loop(
                model,
                objective,
                batches,
                config.trainer,
                validate=self._validation(phase, features, items, model),
                spread=measure_spread(model, batches, config.trainer.seed, self._device, config.trainer.most_at_once),
                checkpoint=self._checkpoint(phase.name),
                hooks=build_hooks(config, context),
                processes=self._processes,
            )
            state = loop.run(phase.epochs, self._progress, resume=resume, task=phase.task)
        model.cpu().eval()
        best = state.best_epoch or state.epoch
        return Learned(model, features, items, state.logs, [], best, len(examples), examples.left_out, context)

    def _held_out(self, phase: _Phase) -> IntArray:
        held = np.concatenate([self._split.validation_N, self._split.test_N])
        return held_out_pairs(self._dataset.interactions, len(self._dataset.items), phase.fit_N, held)

    def _batches(self, phase: _Phase, examples: Examples, items: EncodedRecords, counts_N: IntArray) -> Batches:
        config, interactions = self._config, self._dataset.interactions
        known = None
        if config.negatives.mask_known_positives:
            pairs = interactions.query_N[phase.fit_N], interactions.item_N[phase.fit_N]
            known = KnownPositives.from_interactions(*pairs, len(self._dataset.query_ids))
        return Batches(
            examples,
            items,
            config.negatives.build(counts_N),
            config.trainer.batch_size,
            self._device,
            known,
            config.examples.positives,
        )

    def _model(
        self, phase: _Phase, features: FittedFeatures, examples: Examples, items: EncodedRecords, counts_N: IntArray
    ) -> DualEncoder:
        config, vocabularies = self._config, features.vocabularies
        model_config = ModelConfig(
            config.features,
            config.query_tower,
            config.item_tower,
            config.dimension,
            config.metric == "cosine",
            self._pretrained,
            config.heads,
            share_text=config.share_text,
        )
        return build_model(model_config, vocabularies, *self._tower_data(phase, features, examples, items, counts_N))

    def _tower_data(
        self, phase: _Phase, features: FittedFeatures, examples: Examples, items: EncodedRecords, counts_N: IntArray
    ) -> tuple[TowerData, TowerData]:
        """What the data decides of the query tower and of the item tower."""
        config, interactions, vocabularies = self._config, self._dataset.interactions, features.vocabularies
        # The query tower reads the items of histories, which hold interactions that are no target too, or the queries.
        read_N = interactions.query_N if self._dataset.queries_are == "items" else interactions.item_N
        seen_N = np.bincount(read_N[phase.fit_N], minlength=len(items))
        behaviour = Behaviour.of(interactions, phase.fit_N, len(self._dataset.query_ids))
        records = TrainedRecords(items, examples.encoded.queries, behaviour)
        semantic_ids = fit_semantic_id_features(
            config.semantic_id_features, records, config.trainer.seed, config.trainer.threads
        )
        query_idf, item_idf = (
            text_idf(config.features.query, examples.encoded.queries),
            text_idf(config.features.item, items),
        )
        return (
            TowerData(query_idf, cold_item_rows(vocabularies, seen_N), semantic_ids.query),
            TowerData(
                item_idf, cold_item_rows(vocabularies, counts_N), semantic_ids.item, self._item_graph(phase, items)
            ),
        )

    def _item_graph(self, phase: _Phase, items: EncodedRecords) -> ItemGraph | None:
        config, interactions = self._config.item_graph, self._dataset.interactions
        if config is None:
            return None
        vectors = [items.columns[name].batch(None) for name in config.features]
        pairs = interactions.query_N[phase.fit_N], interactions.item_N[phase.fit_N]
        return build_item_graph(config, vectors, *pairs)

    def _validation(
        self, phase: _Phase, features: FittedFeatures, items: EncodedRecords, model: DualEncoder
    ) -> Validate | None:
        if len(phase.validation_N) == 0:
            return None
        config = self._config
        queries = evaluation_queries(
            self._dataset,
            phase.fit_N,
            phase.validation_N,
            features.query,
            history_feature=config.examples.history_feature,
            require_history=config.evaluation.require_history,
        )
        ks, exclude_seen = config.evaluation.ks, config.evaluation.exclude_seen
        return lambda: evaluate(model_score(model, queries, items, self._device), queries, ks, exclude_seen)

    def _checkpoint(self, phase: str) -> CheckpointFile | None:
        if self._folder is None:
            return None
        return CheckpointFile(self._folder / f"{phase}.checkpoint", self._run_id)

    @cached_property
    def _run_id(self) -> str:
        config = self._config
        digests = self._pretrained.digests([*config.features.query, *config.features.item], reads_of(config).models)
        return run_id(config, self._dataset, self._split, digests)
