"""Answers of several annotators in a table, and what merging leaves in one.

J tasks, I annotators.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from bundle.errors import InvalidTable
from bundle.tables import ColumnType, read_table
from evaluation.errors import TooFewLabels
from evaluation.judged.annotators import NO_ANSWER, MergedAnswers, merge_answers
from evaluation.judged.pairs import IntArray

COLUMNS: Mapping[str, ColumnType] = {
    "query_id": "string",
    "item_id": "string",
    "annotator": "string",
    "answer": "string",
}


@dataclass(frozen=True, eq=False)
class Answers:
    """Answer numbers [J, I] of pairs by annotators, with the names of all three."""

    pairs: tuple[tuple[str, str], ...]
    annotators: tuple[str, ...]
    classes: tuple[str, ...]
    answer_JI: IntArray

    def merge(self) -> MergedAnswers:
        """The two most likely answers of every pair.

        Raises TooFewLabels where all answers are the same, or where no two annotators answered the same pair.
        """
        if len(self.classes) < 2:
            raise TooFewLabels(
                f"every answer is '{self.classes[0]}'; there is nothing to merge, nor to tell annotators apart by"
            )
        if ((self.answer_JI != NO_ANSWER).sum(axis=1) < 2).all():
            raise TooFewLabels(
                "no pair was answered by two annotators, so nothing tells how far to believe any of them; ask several "
                "of them about the same pairs"
            )
        return merge_answers(self.answer_JI, len(self.classes))

    def table(self, merged: MergedAnswers) -> pa.Table:
        """One row a pair: its first and second answer, the share of the first, how hard it is."""
        query_ids, item_ids = zip(*self.pairs, strict=True)
        return pa.table(
            {
                "query_id": query_ids,
                "item_id": item_ids,
                "first": [self.classes[k] for k in merged.first_J],
                "second": [self.classes[k] for k in merged.second_J],
                "share": merged.share_J,
                "difficulty": merged.difficulty(),
            }
        )


def read_answers(path: Path) -> Answers:
    """Read `query_id`, `item_id`, `annotator`, `answer`; raises InvalidTable, also for a second answer to a pair."""
    table = read_table(path, COLUMNS)
    if table.num_rows == 0:
        raise InvalidTable(f"{path} has no rows; give at least one answer", path=str(path))
    rows = table.to_pylist()
    pairs = {(row["query_id"], row["item_id"]): None for row in rows}
    pair_number = {pair: j for j, pair in enumerate(pairs)}
    names = [sorted({row[column] for row in rows}) for column in ("annotator", "answer")]
    numbers = [{name: i for i, name in enumerate(known)} for known in names]
    answer_JI = np.full((len(pairs), len(names[0])), NO_ANSWER, dtype=np.int64)
    for place, row in enumerate(rows, start=1):
        cell = pair_number[row["query_id"], row["item_id"]], numbers[0][row["annotator"]]
        if answer_JI[cell] != NO_ANSWER:
            raise InvalidTable(
                f"{path} row {place}: '{row['annotator']}' answered query '{row['query_id']}' and item "
                f"'{row['item_id']}' before; keep one answer",
                path=str(path),
                row=place,
            )
        answer_JI[cell] = numbers[1][row["answer"]]
    return Answers(tuple(pairs), tuple(names[0]), tuple(names[1]), answer_JI)
