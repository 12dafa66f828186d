from pathlib import Path

from bundle.workspace import Collection
from index.manifest import read_index_manifest
from index.prefix_tree import Branch
from index.report import write_report
from tests.index.shop import build_shop


def test_the_page_holds_what_was_measured_and_needs_nothing_else(shop: Collection, shop_version: str) -> None:
    manifest = read_index_manifest(shop.index(shop_version))
    page = (shop.index(shop_version) / "report" / "index.html").read_text(encoding="utf-8")
    assert "300 items" in page
    assert f"recall@10 {manifest.recall.recall:.4f}" in page
    assert manifest.semantic_ids is not None
    assert f"{manifest.semantic_ids.n_codes} different raw codes" in page
    assert manifest.bundle_id in page
    resolution = manifest.semantic_ids.resolution
    assert f"{resolution.unresolved:,} told apart by a suffix" in page
    assert "No earlier semantic IDs were kept: no version was active." in page
    assert page.count('<ul class="tree">') == 1
    assert "http" not in page and "src=" not in page


def test_the_served_setting_is_marked_among_the_measured_ones(own_shop: Collection) -> None:
    version = build_shop(own_shop, kind={"kind": "ivf_flat", "nlist": 8, "nprobe": 4})
    page = (own_shop.index(version) / "report" / "index.html").read_text(encoding="utf-8")
    assert page.count('class="served"') == 1
    assert '<tr class="served"><td>nprobe 4</td>' in page


def test_both_roles_have_their_recall_and_served_setting(own_pairs: Collection) -> None:
    version = build_shop(own_pairs, kind={"kind": "ivf_flat", "nlist": 8, "nprobe": 1})
    page = (own_pairs.index(version) / "report" / "index.html").read_text(encoding="utf-8")
    for relation, role in read_index_manifest(own_pairs.index(version)).roles.items():
        assert f"recall@10 {role.recall.recall:.4f} for {relation} items" in page
        assert f"<h2>Index recall for {relation} items</h2>" in page
    assert page.count('class="served"') == 2


def test_names_from_tables_cannot_break_the_page(shop: Collection, shop_version: str, tmp_path: Path) -> None:
    manifest = read_index_manifest(shop.index(shop_version))
    evil = "<script>y</script>"
    branch = Branch((1,), 2, [evil], [evil], 0, [])
    tree = Branch((), 2, [], [], 1, [branch])
    write_report(
        tmp_path / "report", manifest.model_copy(update={"attributes": {"<script>x</script>": "double"}}), tree
    )
    assert "<script>" not in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
