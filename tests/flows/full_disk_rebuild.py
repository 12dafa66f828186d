"""Rebuilds that may write few bytes: python -m tests.flows.full_disk_rebuild limit|fill FOLDER."""

import json
import sys
from pathlib import Path

from index.store import current
from tests.flows.crashes import prepare, serving, shop_in
from tests.flows.full_disk import filled, no_file_past, run

SHORT = {"limit": (0, 300, 900, 1_500, 3_000), "fill": tuple(range(0, 32_768, 4_096))}
MORE_ITEMS = 'collection = "shop"\nitems = "items.parquet"\nshard_size = 16\n'


def main(how: str, root: Path) -> None:
    prepare(root)
    shop = shop_in(root)
    (root / "rebuild.toml").write_text(MORE_ITEMS)
    rebuild = ["index", "rebuild", str(root / "rebuild.toml"), "--workspace", str(root)]
    found: dict[str, object] = {"before": current(shop)}
    short = []
    for n_bytes in SHORT[how]:
        with no_file_past(n_bytes) if how == "limit" else filled(root, n_bytes):
            told = run(*rebuild)
        hidden = [path.name for path in shop.indexes.iterdir() if path.name.startswith(".")]
        kept = [name for name in hidden if name.startswith(".embedded-")]
        short.append(told | {"serves": serving(root), "hidden": len(hidden), "kept_shards": len(kept)})
    found |= {"short": short, "after": run(*rebuild), "serves": serving(root)}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
