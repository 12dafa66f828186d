import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from training.checkpoint import CheckpointFile
from training.errors import CheckpointCorrupt, CheckpointNotSaved


def stored(tmp_path: Path) -> CheckpointFile:
    checkpoint = CheckpointFile(tmp_path / "new" / "select.checkpoint", "run-1")
    checkpoint.save({"weights": {"a": torch.arange(5.0)}, "epoch": 3, "rng": "x" * 50, "best": None})
    return checkpoint


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    state = stored(tmp_path).load()
    assert state is not None
    assert torch.equal(state["weights"]["a"], torch.arange(5.0))
    assert (state["epoch"], state["rng"], state["best"]) == (3, "x" * 50, None)


def test_no_checkpoint_is_none_and_a_removed_one_is_gone(tmp_path: Path) -> None:
    checkpoint = stored(tmp_path)
    checkpoint.remove()
    checkpoint.remove()
    assert checkpoint.load() is None
    assert list(checkpoint.path.parent.iterdir()) == []


@pytest.mark.parametrize("cut", [0, 10, 40, -1])
def test_a_torn_file_is_refused_by_name(tmp_path: Path, cut: int) -> None:
    checkpoint = stored(tmp_path)
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:cut])
    with pytest.raises(CheckpointCorrupt, match=r"select\.checkpoint"):
        checkpoint.load()


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    checkpoint = stored(tmp_path)
    data = checkpoint.path.read_bytes()
    for position in range(0, len(data), 97):
        checkpoint.path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        with pytest.raises(CheckpointCorrupt):
            checkpoint.load()


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    checkpoint = stored(tmp_path)
    with pytest.raises(CheckpointCorrupt, match="other settings or data"):
        CheckpointFile(checkpoint.path, "run-2").load()


def test_a_failed_save_names_the_file_and_leaves_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = stored(tmp_path)

    def full(fd: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CheckpointNotSaved, match=r"select\.checkpoint .*no space.*before it is whole.*--resume"):
        checkpoint.save({"epoch": 4})
    state = checkpoint.load()
    assert state is not None
    assert state["epoch"] == 3
    assert list(checkpoint.path.parent.iterdir()) == [checkpoint.path]


def test_a_file_that_may_not_grow_is_refused_while_it_is_written(tmp_path: Path) -> None:
    script = f"""
        import resource
        from pathlib import Path
        from training.checkpoint import CheckpointFile
        from training.errors import CheckpointNotSaved
        checkpoint = CheckpointFile(Path({str(tmp_path)!r}) / "select.checkpoint", "run-1")
        checkpoint.save({{"epoch": 3}})
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        try:
            checkpoint.save({{"epoch": 4, "rng": "x" * 100_000}})
        except CheckpointNotSaved as error:
            print(error)
        assert checkpoint.load() == {{"epoch": 3}}
    """
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert "select.checkpoint" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["select.checkpoint"]
