"""`tandem semantic-ids`: the tree of semantic IDs of an index version."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich.text import Text
from rich.tree import Tree

from cli.console import emit, people
from cli.options import DEFAULT_WORKSPACE, CollectionOption, JsonOption, WorkspaceOption, existing_collection

if TYPE_CHECKING:
    from index.prefix_tree import Branch
    from index.version import IndexVersion

app = typer.Typer(help="Look at semantic IDs.", no_args_is_help=True)
TITLE_WIDTH = 44


@app.callback()
def group() -> None:
    """Look at semantic IDs."""


@app.command("browse")
def browse(
    collection: CollectionOption,
    prefix: Annotated[str, typer.Option("--prefix", "-p", help="Codes to start below, as 12-200; all if empty.")] = "",
    depth: Annotated[int, typer.Option("--depth", "-d", min=1, help="Codes to go down.")] = 2,
    width: Annotated[int, typer.Option("--width", min=1, help="Branches shown of each prefix, largest first.")] = 8,
    version: Annotated[
        str | None, typer.Option("--version", help="Index version; the active one if not given.")
    ] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Show prefixes as a tree: how many items lie below, their distinguishing words and most representative items."""
    from index.prefix_tree import prefix_tree
    from index.version import open_current, open_version

    codes = _codes(prefix)
    place = existing_collection(workspace, collection)
    opened = open_current(place) if version is None else open_version(place, version)
    if opened.prefix is None or opened.prefix_names is None:
        raise typer.BadParameter(
            f"index version '{opened.version}' has no semantic IDs; train a bundle with a quantizer and rebuild",
            param_hint="--collection" if version is None else "--version",
        )
    tree = prefix_tree(opened.prefix, opened.prefix_names, codes, depth=depth, width=width)
    if not tree.count:
        first = "-".join(map(str, _longest_used(opened, codes)))
        hint = f"the longest part of it that items have is '{first}'" if first else "no item has its first code"
        raise typer.BadParameter(f"no item lies below prefix '{prefix}'; {hint}", param_hint="--prefix")
    if as_json:
        head = {"collection": collection, "index_version": opened.version, "bundle_id": opened.bundle_id}
        emit(orjson.dumps(head | {"tree": asdict(tree)}).decode())
    else:
        people.print(_drawn(tree, _titles(opened, tree), collection, opened))


def _codes(prefix: str) -> tuple[int, ...]:
    from bundle.semantic_id import SemanticId

    parsed = SemanticId.parse(prefix) if prefix else SemanticId(())
    if parsed.suffix:
        raise typer.BadParameter(f"'{prefix}' has a suffix; a prefix has codes only", param_hint="--prefix")
    return parsed.codes


def _longest_used(opened: "IndexVersion", codes: tuple[int, ...]) -> tuple[int, ...]:
    while codes and opened.prefix is not None and not opened.prefix.count(codes):
        codes = codes[:-1]
    return codes


def _titles(opened: "IndexVersion", tree: "Branch") -> dict[str, str]:
    """The first text that names prefixes, by item, as far as the attributes hold it."""
    semantic_ids = opened.manifest.semantic_ids
    named = () if semantic_ids is None else semantic_ids.name_columns
    column = next((name for name in named if name in opened.manifest.attributes), None)
    item_ids = sorted(_items(tree))
    if column is None:
        return {}
    return {
        item_id: str(attributes[column])
        for item_id, attributes in zip(item_ids, opened.attributes(item_ids), strict=True)
        if attributes[column]
    }


def _items(branch: "Branch") -> set[str]:
    return set(branch.items).union(*map(_items, branch.children))


def _drawn(tree: "Branch", titles: dict[str, str], collection: str, opened: "IndexVersion") -> Tree:
    sizes = " x ".join(map(str, opened.prefix.space.codebook_sizes)) if opened.prefix else ""
    title = Text.assemble(
        (collection, "bold"), f"  {_counted(opened.count, 'item')}, codes {sizes}  ", (opened.version, "dim")
    )
    drawn = Tree(title, guide_style="dim")
    if tree.prefix:
        _draw(tree, titles, drawn)
    else:
        _draw_children(tree, titles, drawn)
    return drawn


def _draw(branch: "Branch", titles: dict[str, str], above: Tree) -> None:
    label = Text.assemble(
        ("-".join(map(str, branch.prefix)), "bold cyan"),
        f"  {_counted(branch.count, 'item')}",
        ("  " + ", ".join(branch.words) if branch.words else "", "green"),
    )
    # Items of a prefix that is opened further stand there too, so they are shown at its ends only.
    ends = branch.items if not branch.children else []
    for item_id in ends:
        label.append(f"\n{item_id}", style="dim")
        label.append(f"  {_short(titles[item_id])}" if item_id in titles else "")
    _draw_children(branch, titles, above.add(label))


def _draw_children(branch: "Branch", titles: dict[str, str], drawn: Tree) -> None:
    for child in branch.children:
        _draw(child, titles, drawn)
    more = branch.n_children - len(branch.children)
    if branch.children and more:
        left = branch.count - sum(child.count for child in branch.children)
        drawn.add(Text(f"{more:,} more with {_counted(left, 'item')}", style="dim"))


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_WIDTH else line[: TITLE_WIDTH - 1] + "…"
