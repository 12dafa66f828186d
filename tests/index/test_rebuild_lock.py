import subprocess
import sys

import pytest

from bundle.workspace import Collection
from index.errors import RebuildRunning
from index.rebuild_lock import rebuild_lock

HOLD = """
import os, signal, sys
from pathlib import Path
from bundle.workspace import Collection
from index.rebuild_lock import rebuild_lock
with rebuild_lock(Collection("shop", Path(sys.argv[1])), "tandem index gc"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_names_its_holder_and_ends_with_its_process(own_shop: Collection) -> None:
    command = [sys.executable, "-c", HOLD, str(own_shop.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(RebuildRunning, match=rf"'shop' is being rebuilt by `tandem index gc`, process {holder.pid}"),
            rebuild_lock(own_shop, "tandem index rebuild"),
        ):
            pass
        holder.kill()
        holder.wait()
    with rebuild_lock(own_shop, "a"):
        pass
    with rebuild_lock(own_shop, "b"), pytest.raises(RebuildRunning, match="`b`"), rebuild_lock(own_shop, "c"):
        pass
