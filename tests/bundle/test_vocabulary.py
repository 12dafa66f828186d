import subprocess
import sys
from pathlib import Path

import pytest

from bundle.errors import BundleCorrupt
from bundle.vocabulary import MISSING, Vocabulary


def test_rows_are_missing_then_hashed_then_known() -> None:
    vocabulary = Vocabulary.fit(["b", "a", "b", "c"], oov_buckets=2)
    assert vocabulary.values == ("b", "a", "c")  # by count, then by value
    assert [vocabulary.index(v) for v in ("b", "a", "c")] == [3, 4, 5]
    assert vocabulary.index("never seen") in (1, 2)
    assert vocabulary.size == 6
    assert MISSING == 0


def test_rare_values_are_left_to_the_hash() -> None:
    vocabulary = Vocabulary.fit(["a", "a", "b"], oov_buckets=1, min_count=2)
    assert vocabulary.index("b") == 1


def test_a_miss_hashes_alike_in_every_process() -> None:
    code = "from bundle.vocabulary import Vocabulary; print(Vocabulary([], 1000).index('Zürich'))"
    root = Path(__file__).parents[2]
    rows = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=root, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert rows == {f"{Vocabulary([], 1000).index('Zürich')}\n".encode()}


def test_it_survives_the_disk() -> None:
    before = Vocabulary(["ü", 'quote"', ""], oov_buckets=3)
    after = Vocabulary.from_json(before.to_json(), "v.json")
    assert (after.values, after.oov_buckets, after.index("ü")) == (before.values, 3, before.index("ü"))


def test_a_torn_file_is_named() -> None:
    with pytest.raises(BundleCorrupt, match=r"v\.json"):
        Vocabulary.from_json(Vocabulary(["a"]).to_json()[:-3], "v.json")
