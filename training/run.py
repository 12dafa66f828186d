"""One training run, from tables to a bundle: load, split, learn, compare, quantize, rerank, export, check, write."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bundle.progress import NoProgress, Progress
from bundle.store import (
    ITEM_TOWER,
    QUERY_TOWER,
    SEMANTIC_ID_DECODE,
    SEMANTIC_ID_ENCODE,
    BundleDraft,
    write_bundle,
)
from bundle.workspace import Collection
from training.compare import compare, flat
from training.config import TrainConfig
from training.dataset import Dataset
from training.errors import BundleNotWritten
from training.export import export_graph, export_tower
from training.learn import Learned, Learner
from training.load import load
from training.model import embed
from training.model_card import model_card
from training.outcome import Outcome
from training.parity import check_codec, check_tower
from training.pretrained import PretrainedModels
from training.processes import Processes
from training.quantized import Int8Cost, quantize_towers
from training.quantizers.contract import Behaviour, QuantizerData
from training.report import write_report
from training.rerank import RerankStep, check_data, merged_parts
from training.score import model_score
from training.semantic_ids import Kept, SemanticIds, fit_semantic_ids
from training.splits import Split
from training.stability.contract import NEWEST
from training.stability.earlier import check_sizes, earlier_codes, find_earlier
from training.synthetic_queries.mix import mix


@dataclass(frozen=True)
class TrainResult:
    """The written bundle and what was measured: metrics on the test part by method, and of the semantic IDs."""

    bundle_id: str
    metrics: dict[str, dict[str, float]]
    semantic_id_metrics: dict[str, float] | None


def train(
    config: TrainConfig,
    base: Path,
    collection: Collection,
    *,
    resume: bool = False,
    progress: Progress,
    processes: Processes | None = None,
) -> TrainResult:
    """Train and write a bundle into `collection`; relative paths of the tables count from `base`.

    Checkpoints lie below the collection's `training` folder until the bundle is written; with `resume` the run goes on
    from them, or starts when there are none. Equal settings and tables give the same bundle id. Of several `processes`
    the first calls this and the others `assist`. Raises RetrievalError.
    """
    dataset, split, learner = _prepare(config, base, collection, progress, processes)
    config = _settled(config, collection, progress)
    learned = learner.learn(resume=resume)
    cpu = torch.device("cpu")
    comparison = compare(
        config,
        dataset,
        split,
        learned.features.query,
        lambda queries: model_score(learned.model, queries, learned.items, cpu),
    )
    semantic_ids = _semantic_ids(config, collection, dataset, split, learned)
    rerankings = RerankStep(config, dataset, split, learned, comparison, semantic_ids, base).run()
    outcome = Outcome(config, dataset, split, learned, comparison, semantic_ids, rerankings)
    bundle_id = _write(collection, _draft(outcome), outcome, progress)
    learner.forget()
    return TrainResult(bundle_id, comparison.metrics, semantic_ids.metrics if semantic_ids else None)


def assist(
    config: TrainConfig, base: Path, collection: Collection, *, resume: bool = False, processes: Processes
) -> None:
    """What every process but the first does: learn with it, and write nothing. Raises RetrievalError."""
    _, _, learner = _prepare(config, base, collection, NoProgress(), processes)
    learner.learn(resume=resume)


def _prepare(
    config: TrainConfig, base: Path, collection: Collection, progress: Progress, processes: Processes | None
) -> tuple[Dataset, Split, Learner]:
    dataset, split = load(config, base)
    if config.quantizer is not None:
        config.quantizer.check(len(dataset.items))  # hours before the quantizer itself would find out
    check_data(config, dataset, split, base)  # and so is a click log that cannot be read
    # Learning alone sees synthetic pairs: what is measured, and the baselines beside it, know the real data only.
    learned_from = _with_synthetic_queries(config, base, dataset, split, progress)
    return dataset, split, Learner(config, *learned_from, progress, collection.folder / "training", base, processes)


def _with_synthetic_queries(
    config: TrainConfig, base: Path, dataset: Dataset, split: Split, progress: Progress
) -> tuple[Dataset, Split]:
    if config.synthetic_queries is None:
        return dataset, split
    mixed = mix(
        config.synthetic_queries,
        base,
        dataset,
        split,
        config.features.query,
        with_history=config.examples.history_feature is not None,
        drop_unknown=config.data.drop_unknown,
        seed=config.trainer.seed,
        tokenizers=PretrainedModels(config.pretrained, base).tokenizers(config.features.query),
    )
    progress.start("synthetic queries", None)
    progress.note(mixed.report.summary())
    progress.finish()
    return mixed.dataset, mixed.split


def _settled(config: TrainConfig, collection: Collection, progress: Progress) -> TrainConfig:
    """The settings with the id of the bundle that 'newest' means now; unsettled where there is none yet.

    What could not be compared is refused here, hours before it would be.
    """
    stability = config.semantic_id_stability
    if stability is None or config.quantizer is None:
        return config
    bundle_id = find_earlier(collection, stability.bundle)
    if bundle_id is None:
        progress.start("semantic IDs", None)
        progress.note("no earlier bundle of the collection has any, so there is nothing to stay near")
        progress.finish()
        return config
    check_sizes(collection, bundle_id, config.quantizer)
    settled = stability.model_copy(update={"bundle": bundle_id})
    return config.model_copy(update={"semantic_id_stability": settled})


def _semantic_ids(
    config: TrainConfig, collection: Collection, dataset: Dataset, split: Split, learned: Learned
) -> SemanticIds | None:
    if config.quantizer is None:
        return None
    embedding_ND = embed(learned.model.item, learned.items, torch.device("cpu"))
    trained_on, held_out = (
        Behaviour.of(dataset.interactions, rows, len(dataset.query_ids)) for rows in (split.train_N, split.test_N)
    )
    stability = config.semantic_id_stability
    kept = None
    if stability is not None and stability.bundle != NEWEST:
        kept = Kept(stability, earlier_codes(collection, stability.bundle, dataset))
    return fit_semantic_ids(
        config.quantizer,
        QuantizerData(embedding_ND, trained_on),
        config.trainer.seed,
        config.trainer.threads,
        held_out=held_out,
        kept=kept,
    )


def _draft(outcome: Outcome) -> BundleDraft:
    config, features, semantic_ids = outcome.config, outcome.learned.features, outcome.semantic_ids
    parts = merged_parts(outcome.rerankings)
    return BundleDraft(
        name=config.collection,
        dimension=config.dimension,
        metric=config.metric,
        features=config.features,
        vocabularies={**features.vocabularies, **parts.vocabularies},
        statistics=features.statistics,
        semantic_id_codebooks=semantic_ids.quantizer.codebook_sizes if semantic_ids else None,
        evaluation={**flat(outcome.comparison.metrics), **parts.evaluation},
        training=config.model_dump(mode="json"),
        tokenizers={**features.tokenizers, **parts.tokenizers},
        queries_are=outcome.dataset.queries_are,
        rerankers=parts.specs,
    )


def _write(collection: Collection, draft: BundleDraft, outcome: Outcome, progress: Progress) -> str:
    try:
        return write_bundle(collection, draft, lambda folder: _write_files(folder, outcome, progress))
    except OSError as error:
        raise BundleNotWritten(
            f"cannot write a bundle below {collection.bundles}: {error.strerror or error}; nothing of it was kept, but "
            "the checkpoints were, so free some space and run the command again with --resume",
            path=str(collection.bundles),
        ) from error


def _write_files(folder: Path, outcome: Outcome, progress: Progress) -> dict[str, float]:
    """Export, check what was exported, and describe it; whatever fails leaves no bundle. Returns what int8 costs."""
    progress.start("export", 2 + (2 if outcome.semantic_ids else 0) + len(outcome.rerankings))
    _export_towers(folder, outcome, progress)
    if outcome.semantic_ids is not None:
        _export_codec(folder, outcome.semantic_ids, progress)
    for reranking in outcome.rerankings:
        reranking.trained.export(folder)
        progress.advance()
    progress.finish()
    cost = _quantize(folder, outcome, progress)
    (folder / "model_card.md").write_text(model_card(outcome, cost), encoding="utf-8")
    write_report(folder / "report", outcome)
    return cost.flat() if cost else {}


def _quantize(folder: Path, outcome: Outcome, progress: Progress) -> Int8Cost | None:
    if outcome.config.export.precision == "fp32":
        return None
    cost = quantize_towers(outcome, folder / QUERY_TOWER, folder / ITEM_TOWER, progress)
    progress.start("int8 towers", None)
    progress.note(cost.note(outcome.config.trainer.metric))
    progress.finish()
    return cost


def _export_towers(folder: Path, outcome: Outcome, progress: Progress) -> None:
    model, spec = outcome.learned.model, outcome.config.features
    for tower, features, records, file in (
        (model.query, spec.query, outcome.comparison.queries.encoded, QUERY_TOWER),
        (model.item, spec.item, outcome.learned.items, ITEM_TOWER),
    ):
        export_tower(tower, features, records.batch(np.arange(1)), folder / file)
        check_tower(tower, records, folder / file)
        progress.advance()


def _export_codec(folder: Path, semantic_ids: SemanticIds, progress: Progress) -> None:
    quantizer = semantic_ids.quantizer
    dimension, levels = semantic_ids.embedding_ND.shape[1], len(quantizer.codebook_sizes)
    encode_path, decode_path = folder / SEMANTIC_ID_ENCODE, folder / SEMANTIC_ID_DECODE
    export_graph(
        quantizer.encode, {"embedding": torch.zeros(3, dimension)}, {"embedding": {0: "batch"}}, "codes", encode_path
    )
    progress.advance()
    codes = torch.zeros(3, levels, dtype=torch.int64)
    export_graph(quantizer.decode, {"codes": codes}, {"codes": {0: "batch"}}, "embedding", decode_path)
    check_codec(quantizer.encode, quantizer.decode, semantic_ids.embedding_ND, encode_path, decode_path)
    progress.advance()
