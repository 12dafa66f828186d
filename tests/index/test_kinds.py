import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import faiss
import pytest

from index.corpus import Corpus
from index.kinds import IndexKind
from index.kinds.flat import FlatKind
from index.kinds.hnsw import HnswKind
from index.kinds.ivf_flat import IvfFlatKind
from index.kinds.ivf_rabitq import IvfRabitqKind
from tests.contracts.index_kind import IndexKindContract, clustered

KINDS: list[Any] = [kind for kind in get_args(get_args(IndexKind)[0]) if not kind.needs_gpu_to_build]


DEFAULTS = [*(kind() for kind in KINDS), IvfRabitqKind(bits=4)]


@pytest.fixture(params=DEFAULTS, ids=lambda kind: f"{kind.kind}{getattr(kind, 'bits', '')}")
def kind(request: pytest.FixtureRequest) -> IndexKind:
    built: IndexKind = request.param
    return built


class TestEveryKind(IndexKindContract):
    """A kind that stands in the union is held to the contract."""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="allocated memory is told by Linux only")
@pytest.mark.parametrize(
    "kind", [FlatKind(), IvfFlatKind(), IvfRabitqKind(), HnswKind(m=8, ef_construction=8)], ids=lambda kind: kind.kind
)
def test_opening_a_mapped_index_allocates_what_the_kind_says(kind: IndexKind, tmp_path: Path) -> None:
    corpus = Corpus(clustered(20_000))
    resolved = kind.resolve(corpus)
    path = tmp_path / "index.faiss"
    faiss.write_index(resolved.build(corpus, 0), str(path))
    code = (
        "import re, sys, faiss\n"
        "anonymous = lambda: int(re.search(r'RssAnon:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
        "before = anonymous()\n"
        "index = faiss.read_index(sys.argv[1], faiss.IO_FLAG_MMAP_IFC)\n"
        "print(1024 * (anonymous() - before))\n"
    )
    told = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=True, text=True)
    assert abs(int(told.stdout) - resolved.unmapped_bytes(20_000)) < 256_000
    assert int(told.stdout) < path.stat().st_size / 2
