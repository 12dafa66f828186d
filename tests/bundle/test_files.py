import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from bundle.errors import BundleCorrupt
from bundle.files import (
    file_entries,
    new_folder,
    publish_folder,
    published_folders,
    replace_file,
    staging_folder,
    verify_files,
)


def _write(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "a.bin").write_bytes(b"alpha")
    (folder / "sub" / "b.bin").write_bytes(b"beta")


def test_a_finished_folder_verifies_and_lists(tmp_path: Path) -> None:
    with new_folder(tmp_path / "one") as folder:
        _write(folder)
        assert published_folders(tmp_path) == []  # nothing to see before the rename
    entries = file_entries(tmp_path / "one")
    assert list(entries) == ["a.bin", "sub/b.bin"]
    assert entries["a.bin"].size_bytes == 5
    assert entries["a.bin"].sha256 == "8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8"
    verify_files(tmp_path / "one", entries)
    assert [p.name for p in published_folders(tmp_path)] == ["one"]


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete", "extra"])
def test_any_damage_is_refused_by_file_name(tmp_path: Path, damage: str) -> None:
    with new_folder(tmp_path / "one") as folder:
        _write(folder)
    entries = file_entries(tmp_path / "one")
    victim = tmp_path / "one" / "sub" / ("extra.bin" if damage == "extra" else "b.bin")
    match damage:
        case "flip":
            victim.write_bytes(b"bet\x00")
        case "truncate":
            victim.write_bytes(b"bet")
        case "delete":
            victim.unlink()
        case "extra":
            victim.write_bytes(b"?")
    with pytest.raises(BundleCorrupt, match=victim.name) as caught:
        verify_files(tmp_path / "one", entries)
    assert caught.value.context["file"] == f"sub/{victim.name}"


def test_a_failing_writer_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), new_folder(tmp_path / "one") as folder:
        _write(folder)
        raise RuntimeError("out of coffee")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with pytest.raises(FileExistsError), new_folder(tmp_path / "one"):
        pytest.fail("the block must not run")
    with staging_folder(tmp_path) as staging, pytest.raises(FileExistsError):
        publish_folder(staging, tmp_path / "one")


def test_a_killed_writer_publishes_nothing(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import os, signal
        from pathlib import Path
        from bundle.files import new_folder
        with new_folder(Path({str(tmp_path / "one")!r})) as folder:
            (folder / "a.bin").write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, check=False)
    assert done.returncode == -9
    assert published_folders(tmp_path) == []


def test_a_pointer_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pointer = tmp_path / "CURRENT"
    replace_file(pointer, "v1\n")
    replace_file(pointer, "v2\n")
    assert pointer.read_text() == "v2\n"

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space") as caught:
        replace_file(pointer, "v3\n")
    assert caught.value.filename == str(pointer)
    assert pointer.read_text() == "v2\n"
    assert [p.name for p in tmp_path.iterdir()] == ["CURRENT"]
