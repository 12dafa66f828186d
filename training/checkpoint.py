"""Checkpoints: everything that a run needs to go on exactly where it stood."""

import hashlib
import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bundle.files import replace_file
from training.errors import CheckpointCorrupt, CheckpointNotSaved

_MAGIC = b"tandem-checkpoint-1\n"
_DIGEST_SIZE = 32


@dataclass(frozen=True)
class CheckpointFile:
    """One checkpoint on disk, replaced in one step: a killed run leaves the old one or the new one.

    `run` identifies what is being trained; a checkpoint of another run is refused.
    """

    path: Path
    run: str

    def save(self, state: dict[str, Any]) -> None:
        """Write `state` (tensors, numbers, strings, lists and dicts) to disk and flush it.

        Raises CheckpointNotSaved, with the reason, when that fails; the checkpoint before it is then still there.
        """
        buffer = io.BytesIO()
        torch.save({"run": self.run, "state": state}, buffer)
        payload = buffer.getvalue()
        try:
            replace_file(self.path, _MAGIC + hashlib.sha256(payload).digest() + payload)
        except OSError as error:
            before = "the checkpoint before it is whole" if self.path.exists() else "there was none before it"
            raise CheckpointNotSaved(
                f"cannot write {self.path} ({len(payload):,} bytes): {error.strerror}; {before}; free some space "
                "and run the command again with --resume",
                path=str(self.path),
            ) from error

    def load(self) -> dict[str, Any] | None:
        """The stored state, None when there is none; raises CheckpointCorrupt for a torn or foreign file."""
        if not self.path.exists():
            return None
        data = self.path.read_bytes()
        digest, payload = data[len(_MAGIC) :][:_DIGEST_SIZE], data[len(_MAGIC) + _DIGEST_SIZE :]
        if not data.startswith(_MAGIC) or hashlib.sha256(payload).digest() != digest:
            raise CheckpointCorrupt(f"{self.path} is torn or no checkpoint; delete it and train from the start")
        try:
            stored = torch.load(io.BytesIO(payload), weights_only=True)
        except (RuntimeError, pickle.UnpicklingError) as error:
            raise CheckpointCorrupt(f"{self.path} was written by another version: {error}; delete it") from error
        if stored["run"] != self.run:
            raise CheckpointCorrupt(
                f"{self.path} belongs to a run with other settings or data; bring those back, or delete it to go on "
                "without it; without --resume all checkpoints are deleted and training starts anew"
            )
        state: dict[str, Any] = stored["state"]
        return state

    def remove(self) -> None:
        """Delete the checkpoint, if there is one."""
        self.path.unlink(missing_ok=True)
