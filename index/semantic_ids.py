"""The semantic IDs of one build: raw codes, measured; collisions resolved; prefixes named; two files written.

N corpus, D embedding, L levels.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bundle.errors import ConfigError
from bundle.items import Items
from bundle.progress import Progress
from bundle.quantizer import SemanticIdCodec
from bundle.semantic_id import IntArray
from index.arrow_file import open_arrow, write_arrow
from index.collisions import measure_collisions
from index.corpus import CorpusCodes
from index.earlier_ids import Continued
from index.ids import ItemIds
from index.manifest import IDS_FILE, PREFIXES_FILE, SEMANTIC_IDS_FILE, SemanticIdReport
from index.prefix import PrefixIndex, semantic_id_table
from index.prefix_names import PrefixNames, prefix_name_table
from index.prefix_tree import Branch, prefix_tree
from index.resolution import CollisionConfig, resolve
from index.words import read_words

ENCODE_BATCH = 4_096
REPORT_DEPTH, REPORT_WIDTH = 2, 6


def name_texts(names: Sequence[str] | None, items: Items, attributes: pa.Table) -> pa.Table:
    """The columns that name prefixes: `names`, or the text attributes; raises ConfigError for one without texts."""
    if names is None:
        return attributes.select([f.name for f in attributes.schema if pa.types.is_large_string(f.type)])
    for name in names:
        kind = items.table.schema.field(name).type if name in items.table.column_names else None
        if kind is None or not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            what = "no column" if kind is None else f"a column of {kind}, not of texts,"
            raise ConfigError(f"name_columns: '{name}' is {what} of {items.source}", column=name)
    return items.table.select(list(dict.fromkeys(names)))


def write_semantic_ids(
    folder: Path,
    vectors_ND: NDArray[np.float32],
    codes: CorpusCodes,
    collisions: CollisionConfig,
    continued: Continued,
    texts: pa.Table,
    progress: Progress,
) -> tuple[SemanticIdReport, Branch]:
    """Write the semantic IDs and prefix names of a version whose ids lie in `folder`; `texts` are the columns of names.

    Returns what the manifest says of them, and the top of their tree.
    """
    codec, codes_NL = codes.codec, codes.codes_NL
    space = codec.space
    progress.start("resolve collisions", None)
    if continued.reason:
        progress.note(f"no earlier semantic IDs are kept: {continued.reason}")
    resolved = resolve(codes_NL, vectors_ND, codec.decode, space, collisions, continued.ids)
    table = semantic_id_table(resolved)
    write_arrow(folder / SEMANTIC_IDS_FILE, table)
    progress.finish()
    progress.start("name prefixes", None)
    words = read_words(texts.columns)
    sorted_key_N, row_by_key_N = table["sorted_key"].to_numpy(), table["row_by_key"].to_numpy()
    write_arrow(folder / PREFIXES_FILE, prefix_name_table(sorted_key_N, row_by_key_N, vectors_ND, space, words))
    progress.finish()
    ids = ItemIds(open_arrow(folder / IDS_FILE, mmap=True))
    index = PrefixIndex(open_arrow(folder / SEMANTIC_IDS_FILE, mmap=True), space, ids)
    names = PrefixNames(open_arrow(folder / PREFIXES_FILE, mmap=True), space, ids)
    report = SemanticIdReport(
        codebook_sizes=space.codebook_sizes,
        resolution=resolved.report.model_copy(update={"continues_none_because": continued.reason}),
        name_columns=tuple(texts.column_names),
        n_named_prefixes=len(names),
        **asdict(measure_collisions(codes_NL, space)),
    )
    return report, prefix_tree(index, names, depth=min(REPORT_DEPTH, space.levels - 1) or 1, width=REPORT_WIDTH)


def encode_corpus(codec: SemanticIdCodec, vectors_ND: NDArray[np.float32], progress: Progress) -> IntArray:
    """The raw codes [N, L] of embeddings [N, D], batch by batch."""
    progress.start("encode semantic IDs", len(vectors_ND))
    codes_NL = np.empty((len(vectors_ND), codec.space.levels), dtype=np.int64)
    for start in range(0, len(vectors_ND), ENCODE_BATCH):
        part = codec.encode(np.ascontiguousarray(vectors_ND[start : start + ENCODE_BATCH]))
        codes_NL[start : start + len(part)] = part
        progress.advance(len(part))
    progress.finish()
    return codes_NL
