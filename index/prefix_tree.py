"""The top of the tree of semantic IDs, as far as a person reads: the largest branches with their names."""

from collections.abc import Sequence
from dataclasses import dataclass

from index.prefix import PrefixIndex
from index.prefix_names import N_ITEMS, PrefixName, PrefixNames


@dataclass(frozen=True)
class Branch:
    """A prefix, the items below it, and its largest branches; `n_children` counts those left out too."""

    prefix: tuple[int, ...]
    count: int
    items: list[str]
    words: list[str]
    n_children: int
    children: "list[Branch]"


def prefix_tree(
    index: PrefixIndex, names: PrefixNames, prefix: Sequence[int] = (), *, depth: int, width: int
) -> Branch:
    """The tree below `prefix`, `depth` codes deep, with the `width` largest branches of each prefix.

    A prefix without a name shows its first items. Raises InvalidSemanticId.
    """
    return _branch(index, names, tuple(prefix), names.at([prefix])[0], index.count(prefix), depth, width)


def _branch(
    index: PrefixIndex,
    names: PrefixNames,
    prefix: tuple[int, ...],
    name: PrefixName | None,
    count: int,
    depth: int,
    width: int,
) -> Branch:
    children = index.children(prefix)
    shown = sorted(children, key=lambda child: (-child.count, child.code))[:width] if depth else []
    below = [(*prefix, child.code) for child in shown]
    return Branch(
        prefix,
        count,
        name.items if name else index.item_ids(prefix, N_ITEMS),
        name.words if name else [],
        len(children),
        [
            _branch(index, names, longer, its_name, child.count, depth - 1, width)
            for longer, its_name, child in zip(below, names.at(below), shown, strict=True)
        ],
    )
