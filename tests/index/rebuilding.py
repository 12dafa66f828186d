"""Rebuilds of the small shop, and changes of its catalogue."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bundle.progress import NoProgress
from bundle.workspace import Collection
from index.rebuild import RebuildConfig, rebuild
from index.rebuild_report import RebuildReport


def run(shop: Collection, progress: NoProgress | None = None, *, force: bool = False, **config: Any) -> RebuildReport:
    settings = {"collection": shop.name, "items": "items.parquet", **config}
    base = shop.folder.parents[1]
    return rebuild(shop, RebuildConfig.model_validate(settings), progress, base=base, force=force)


def retitle(shop: Collection, item_ids: list[str]) -> None:
    """Give these items another title."""
    path = shop.folder.parents[1] / "items.parquet"
    table = pq.read_table(path)
    is_changed = pc.is_in(table["item_id"], pa.array(item_ids))
    titles = pc.if_else(is_changed, pc.binary_join_element_wise(table["title"], "anew", " "), table["title"])
    pq.write_table(table.set_column(table.column_names.index("title"), "title", titles), path)


def outcomes(report: RebuildReport) -> dict[str, str]:
    return {gate.gate: gate.outcome for gate in report.gates}
