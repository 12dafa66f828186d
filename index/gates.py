"""The gates that a rebuilt index version passes before it is served."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field

from bundle.config import Config
from evaluation.errors import NothingToMeasure
from evaluation.side_by_side import SideBySide
from index.comparison import changed_neighbours, common_items, semantic_id_churn
from index.quality_gate import QualityGate, judge_quality
from index.query_comparison import Opened
from index.version import IndexVersion

NO_QUALITY_GATE = "no stored queries: name them in [gates.quality]"


class NewBundleGates(Config):
    """Limits where another bundle embedded the new version, whose neighbours and codes are meant to be others."""

    max_changed_neighbours: float | None = Field(
        default=None, ge=0, le=1, description="As in [gates]; only reported if not given."
    )
    max_semantic_id_churn: float | None = Field(
        default=None, ge=0, le=1, description="As in [gates]; only reported if not given."
    )


class Gates(Config):
    """What a rebuilt version must hold to be activated; a limit of null is measured and not judged."""

    min_index_recall: float | None = Field(
        default=0.9, ge=0, le=1, description="Least index recall of every relation that the version answers."
    )
    max_count_change: float | None = Field(
        default=0.2, ge=0, description="Most that the number of items may change, as a share of the active version's."
    )
    max_changed_neighbours: float | None = Field(
        default=0.3,
        ge=0,
        le=1,
        description="Most items, as a share, that may lose more than half of their nearest neighbours.",
    )
    max_semantic_id_churn: float | None = Field(
        default=0.1, ge=0, le=1, description="Most items, as a share, whose semantic ID may be another."
    )
    new_bundle: NewBundleGates = Field(
        default=NewBundleGates(), description="Limits where the new version has another bundle than the active one."
    )
    quality: QualityGate | None = Field(
        default=None, description="Stored queries to compare the two versions on; no such gate if not given."
    )
    n_items: int = Field(default=500, ge=1, description="Items compared between the versions, at most.")
    n_neighbours: int = Field(default=10, ge=1, description="Nearest neighbours compared for each item.")
    seed: int = Field(default=0, ge=0, description="Seed of what is drawn.")


class GateResult(Config):
    """What one gate found."""

    gate: str = Field(description="Name of the gate: what it measures.")
    outcome: Literal["passed", "refused", "reported", "skipped"] = Field(
        description="'reported': measured, without a limit; 'skipped': could not be measured."
    )
    value: float | None = Field(default=None, description="What was measured.")
    limit: float | None = Field(default=None, description="The limit that held.")
    detail: str = Field(description="One sentence for people.")


class Judgement(NamedTuple):
    """Every gate's result, and both versions side by side where stored queries were asked."""

    results: list[GateResult]
    comparison: SideBySide | None


def judge(gates: Gates, new: Opened, live: Opened | str, base: Path) -> Judgement:
    """Ask every gate; `live` is the active version, or why there is none to compare with.

    Relative paths of `gates` start at `base`. Raises InvalidTable for bad stored queries.
    """
    results = [_index_recall(gates, new.version)]
    if isinstance(live, str):
        names = ("count change", "changed neighbours", "semantic-ID churn", "quality")
        skipped = [GateResult(gate=name, outcome="skipped", detail=live) for name in names]
        return Judgement(results + skipped, None)
    limits = gates if live.version.bundle_id == new.version.bundle_id else gates.new_bundle
    results.append(_count_change(gates, live.version, new.version))
    results += _compared(gates, limits, live.version, new.version)
    quality, comparison = _quality(gates, live, new, base)
    return Judgement([*results, quality], comparison)


def _index_recall(gates: Gates, new: IndexVersion) -> GateResult:
    recall, relation = min((role.recall.recall, relation) for relation, role in new.manifest.roles.items())
    detail = f"{recall:.4f} of the exact best hits are found{new.manifest.for_relation(relation)}"
    limit = gates.min_index_recall
    return _result("index recall", recall, limit, detail, is_good=limit is None or recall >= limit)


def _count_change(gates: Gates, live: IndexVersion, new: IndexVersion) -> GateResult:
    detail = f"{live.count:,} items before, {new.count:,} now"
    return _at_most("count change", abs(new.count - live.count) / live.count, gates.max_count_change, detail)


def _compared(
    gates: Gates, limits: Gates | NewBundleGates, live: IndexVersion, new: IndexVersion
) -> Iterator[GateResult]:
    item_ids = common_items(live, new, gates.n_items, gates.seed)
    if not item_ids:
        for name in ("changed neighbours", "semantic-ID churn"):
            yield _result(name, 1.0, 0.0, "none of the items drawn is in both versions", is_good=False)
        return
    lost, k, n = changed_neighbours(live, new, item_ids, gates.n_neighbours), gates.n_neighbours, f"{len(item_ids):,}"
    detail = f"{lost:.1%} of {n} items lost more than half of their {k} nearest"
    yield _at_most("changed neighbours", lost, limits.max_changed_neighbours, detail)
    churn = semantic_id_churn(live, new, item_ids)
    if churn is None:
        yield GateResult(gate="semantic-ID churn", outcome="skipped", detail="a version has no semantic IDs")
    else:
        detail = f"{churn:.1%} of {n} items have another semantic ID"
        yield _at_most("semantic-ID churn", churn, limits.max_semantic_id_churn, detail)


def _quality(gates: Gates, live: Opened, new: Opened, base: Path) -> tuple[GateResult, SideBySide | None]:
    if gates.quality is None:
        return GateResult(gate="quality", outcome="skipped", detail=NO_QUALITY_GATE), None
    try:
        comparison = gates.quality.compare(live, new, base, gates.seed)
    except NothingToMeasure as error:
        return GateResult(gate="quality", outcome="refused", detail=error.message), None
    found = judge_quality(gates.quality, comparison)
    return _result("quality", found.value, found.limit, found.detail, is_good=found.is_good), comparison


def _at_most(gate: str, value: float, limit: float | None, detail: str) -> GateResult:
    return _result(gate, value, limit, detail, is_good=limit is None or value <= limit)


def _result(gate: str, value: float, limit: float | None, detail: str, *, is_good: bool) -> GateResult:
    outcome: Literal["passed", "refused", "reported"] = "passed" if is_good else "refused"
    return GateResult(
        gate=gate, outcome="reported" if limit is None else outcome, value=round(value, 6), limit=limit, detail=detail
    )
