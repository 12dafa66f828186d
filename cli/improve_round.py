"""The steps of `tandem improve`, and what must hold before the first of them.

The served version searches and its bundle's reranker judges what was found; a new bundle learns from these judgements;
an index is built with it; both versions answer stored queries, and the gates say which one serves.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from pydantic import Field

from bundle.config import Config, load_config
from bundle.errors import ConfigError
from bundle.files import replace_file
from bundle.progress import Progress
from bundle.workspace import Collection
from index.judging import JudgeConfig, Judged, judge_found
from index.rebuild import RebuildConfig, rebuild
from index.rebuild_report import RebuildReport
from training.config import TrainConfig
from training.run import train


class ImproveConfig(Config):
    """One round."""

    judge: JudgeConfig = Field(description="What the served version finds, and its reranker judges.")
    train: Path = Field(description="Config of the training; the round writes the table of its data.judgements.")
    rebuild: Path = Field(description="Config of the rebuild, whose [gates.quality] compares the versions.")


@dataclass(frozen=True)
class Round:
    """One round, its configs read; the bases are the folders that their paths count from."""

    config: ImproveConfig
    base: Path
    run: TrainConfig
    run_base: Path
    job: RebuildConfig
    job_base: Path

    @property
    def judgements(self) -> Path:
        """The table that the round writes and learns from."""
        return self.run_base / str(self.run.data.judgements)

    def judge(self, collection: Collection, progress: Progress) -> Judged:
        """Write the table; raises what `judge_found` raises."""
        judged = judge_found(collection, self.config.judge, self.base, progress)
        content = io.BytesIO()
        pq.write_table(judged.table, content)
        replace_file(self.judgements, content.getvalue())
        return judged

    def train(self, collection: Collection, progress: Progress) -> str:
        """The id of a bundle that learned from the table; raises what training raises."""
        return train(self.run, self.run_base, collection, progress=progress).bundle_id

    def rebuild(self, collection: Collection, bundle_id: str, progress: Progress) -> RebuildReport:
        """Build with that bundle, compare, activate or refuse; raises what rebuilding raises."""
        job = self.job.model_copy(update={"bundle": bundle_id})
        return rebuild(collection, job, progress, base=self.job_base)


def open_round(config: ImproveConfig, base: Path) -> Round:
    """Read the configs that it names; raises ConfigError where the round could not close, hours before it would."""
    run_file, job_file = base / config.train, base / config.rebuild
    run, job = load_config(TrainConfig, run_file), load_config(RebuildConfig, job_file)
    table = run.data.judgements
    if table is None or table.suffix != ".parquet" or run.teacher is None or run.teacher.kind != "judgements":
        raise ConfigError(
            f"{run_file} does not learn from judgements; set data.judgements to a .parquet file, which this round "
            "writes, and teacher.kind = 'judgements'"
        )
    if job.collection != run.collection:
        raise ConfigError(f"{run_file} trains '{run.collection}', but {job_file} rebuilds '{job.collection}'; make one")
    if job.gates.quality is None or job.bundle is not None:
        raise ConfigError(
            f"{job_file} shall compare the new bundle with the served one on stored queries; add a section "
            "[gates.quality], and name no bundle"
        )
    return Round(config, base, run, run_file.parent, job, job_file.parent)
