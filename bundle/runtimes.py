"""Refuses an environment in which two packages own the same import folder.

All FAISS packages install `faiss/` and both ONNX runtimes install `onnxruntime/`. The second install overwrites files
of the first without a warning, and CUDA is silently lost.
"""

from functools import cache
from importlib.metadata import packages_distributions

from bundle.errors import RuntimeConflict

_OWNED = ("faiss", "onnxruntime")


@cache
def check_runtimes() -> None:
    """Raise RuntimeConflict when more than one installed package owns `faiss` or `onnxruntime`."""
    owners = packages_distributions()
    for folder in _OWNED:
        names = sorted(set(owners.get(folder, ())))
        if len(names) > 1:
            raise RuntimeConflict(
                f"{' and '.join(names)} both own the folder '{folder}' and overwrite each other; uninstall all of them "
                "and install one of the extras 'cpu', 'gpu' or 'train-gpu'"
            )
