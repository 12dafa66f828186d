from pathlib import Path

import pytest
import torch

from training.checkpoint import CheckpointFile
from training.errors import CheckpointCorrupt


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


def test_a_failed_save_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = stored(tmp_path)

    def full(fd: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        checkpoint.save({"epoch": 4})
    state = checkpoint.load()
    assert state is not None
    assert state["epoch"] == 3
