from collections.abc import Iterator

import pytest

from bundle import runtimes
from bundle.errors import RuntimeConflict


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    runtimes.check_runtimes.cache_clear()
    yield
    runtimes.check_runtimes.cache_clear()


def test_this_environment_has_one_of_each() -> None:
    runtimes.check_runtimes()


def test_two_owners_of_one_folder_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "packages_distributions", lambda: {"faiss": ["faiss-cpu", "faiss-gpu-cuvs"]})
    with pytest.raises(RuntimeConflict, match="faiss-cpu and faiss-gpu-cuvs both own the folder 'faiss'"):
        runtimes.check_runtimes()
