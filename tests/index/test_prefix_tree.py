import pytest

from bundle.errors import InvalidSemanticId
from index.prefix_tree import Branch, prefix_tree
from index.version import IndexVersion


def _walk(branch: Branch) -> list[Branch]:
    return [branch, *(one for child in branch.children for one in _walk(child))]


def test_a_full_tree_holds_every_item_and_the_names(opened: IndexVersion) -> None:
    assert opened.prefix is not None and opened.prefix_names is not None
    tree = prefix_tree(opened.prefix, opened.prefix_names, depth=2, width=99)
    branches = _walk(tree)
    assert sum(one.count for one in branches if len(one.prefix) == 2) == opened.count == tree.count
    for one in branches:
        assert one.count == opened.prefix.count(one.prefix)
        name = opened.prefix_names.at([one.prefix])[0]
        assert (one.items, one.words) == (
            (name.items, name.words) if name else (opened.prefix.item_ids(one.prefix, 3), [])
        )


def test_the_largest_branches_stay_and_the_rest_is_counted(opened: IndexVersion) -> None:
    assert opened.prefix is not None and opened.prefix_names is not None
    counts = sorted((child.count for child in opened.prefix.children([])), reverse=True)
    tree = prefix_tree(opened.prefix, opened.prefix_names, depth=1, width=1)
    assert (tree.n_children, [child.count for child in tree.children]) == (len(counts), counts[:1])
    assert tree.children[0].children == []
    with pytest.raises(InvalidSemanticId):
        prefix_tree(opened.prefix, opened.prefix_names, [9], depth=1, width=1)
