"""A served collection with a reranker, and the three configs of a round that may improve it."""

from dataclasses import dataclass
from pathlib import Path

from bundle.workspace import Collection, Workspace
from cli.main import execute
from tests.tiny import tiny_bundle

COLOURS, THINGS = ("red", "blue", "steel", "soft", "hard"), ("lamp", "chair", "table", "garden")
TITLES = [f"{colour} {thing}" for colour in COLOURS for thing in THINGS]
IMPROVE = """
train = "train.toml"
rebuild = "rebuild.toml"
[judge]
queries = "queries.csv"
interactions = "interactions.csv"
depth = 4
"""
TRAIN = """
collection = "shop"
dimension = 8
share_text = true
[data]
items = "items.csv"
queries = "queries.csv"
interactions = "interactions.csv"
judgements = "judgements.parquet"
[split]
kind = "column"
[features]
query = [{ kind = "text", name = "title" }]
item = [{ kind = "text", name = "title" }]
[objective]
kind = "graded_kl"
[teacher]
kind = "judgements"
[trainer]
epochs = 3
batch_size = 16
[evaluation]
ks = [10]
exclude_seen = false
"""
REBUILD = """
collection = "shop"
items = "items.csv"
[gates]
min_index_recall = 0
[gates.quality]
queries = "queries.csv"
interactions = "interactions.csv"
split = "test"
max_drop = 1.0
"""


@dataclass(frozen=True)
class Shop:
    """Where the configs lie, and the collection."""

    folder: Path
    collection: Collection

    @property
    def workspace(self) -> str:
        """For the command line."""
        return str(self.folder / "workspace")


def improvable_shop(folder: Path) -> Shop:
    """Items of two words each, asked for in the other order; every fourth pair is held out. One version is active."""
    collection = Workspace(folder / "workspace").collection("shop")
    tiny_bundle(collection, reranker=True)
    asked = [" ".join(reversed(title.split())) for title in TITLES]
    write_rows(folder / "items.csv", "item_id,title", [f"i{n},{title}" for n, title in enumerate(TITLES)])
    write_rows(folder / "queries.csv", "query_id,title", [f"q{n},{title}" for n, title in enumerate(asked)])
    pairs = [f"q{n},i{n},{'train' if n % 4 else 'test'}" for n in range(len(TITLES))]
    write_rows(folder / "interactions.csv", "query_id,item_id,split", pairs)
    for name, text in (("improve", IMPROVE), ("train", TRAIN), ("rebuild", REBUILD)):
        (folder / f"{name}.toml").write_text(text)
    shop = Shop(folder, collection)
    build = ["index", "build", "-c", "shop", "--items", str(folder / "items.csv"), "--activate", "-w", shop.workspace]
    assert execute(build) == 0
    return shop


def write_rows(path: Path, head: str, rows: list[str]) -> None:
    """Write a CSV."""
    path.write_text("\n".join([head, *rows]) + "\n")
