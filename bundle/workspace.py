"""Where things lie: a workspace holds collections, a collection holds bundles, index versions and CURRENT."""

import re
from dataclasses import dataclass
from pathlib import Path

from bundle.errors import InvalidName
from bundle.files import published_folders

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def check_name(name: str, what: str) -> str:
    """Return `name` if it is a plain name; raise InvalidName otherwise, so that no path comes from a caller."""
    if not _NAME.fullmatch(name):
        raise InvalidName(
            f"'{name[:140]}' is no {what} name: use 1 to 128 letters, digits, '.', '_' or '-', "
            "beginning with a letter or digit"
        )
    return name


@dataclass(frozen=True)
class Collection:
    """The folder of one collection."""

    name: str
    folder: Path

    @property
    def bundles(self) -> Path:
        """Folder of the bundles."""
        return self.folder / "bundles"

    @property
    def indexes(self) -> Path:
        """Folder of the index versions."""
        return self.folder / "indexes"

    @property
    def current(self) -> Path:
        """File that names the active index version."""
        return self.folder / "CURRENT"

    def bundle(self, bundle_id: str) -> Path:
        """Folder of one bundle; raises InvalidName."""
        return self.bundles / check_name(bundle_id, "bundle")

    def index(self, version: str) -> Path:
        """Folder of one index version; raises InvalidName."""
        return self.indexes / check_name(version, "index version")


@dataclass(frozen=True)
class Workspace:
    """The root folder that one service serves and one rebuild job writes."""

    root: Path

    def collection(self, name: str) -> Collection:
        """The collection of that name, which need not exist yet; raises InvalidName."""
        return Collection(name, self.root / "collections" / check_name(name, "collection"))

    def collections(self) -> list[Collection]:
        """All collections that exist, by name."""
        return [Collection(folder.name, folder) for folder in published_folders(self.root / "collections")]
