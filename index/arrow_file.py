"""Arrow files that are opened by mapping: one record batch, uncompressed, so that no byte is copied or decoded."""

from pathlib import Path

import pyarrow as pa


def write_arrow(path: Path, table: pa.Table) -> None:
    """Write `table` as an Arrow IPC file of one record batch."""
    batches = table.combine_chunks().to_batches()
    batch = batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_batch(batch)


def open_arrow(path: Path, *, mmap: bool) -> pa.RecordBatch:
    """The record batch of a file that `write_arrow` wrote; mapped, or read into memory."""
    source = pa.memory_map(str(path), "r") if mmap else pa.BufferReader(path.read_bytes())
    return pa.ipc.open_file(source).get_batch(0)
