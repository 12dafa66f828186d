"""The report of an index version: one self-contained page for people."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

from index.front_plot import Spot, front_plot
from index.hubness.report import HubnessReport, hubness_note
from index.manifest import (
    FusionReport,
    IndexManifest,
    LexicalReport,
    RecallReport,
    ResolutionReport,
    RoleReport,
    SemanticIdReport,
)
from index.page import page, section, table
from index.prefix_tree import Branch

_TREE_NOTE = (
    "Largest prefixes first: how many items lie below, the words that set them apart from their parent, and the items "
    "nearest to their mean. <code>tandem semantic-ids browse</code> shows all of it."
)


def write_report(folder: Path, manifest: IndexManifest, tree: Branch | None) -> None:
    """Write `folder`/index.html from a manifest that may lack its name and files, and the top of its semantic IDs."""
    folder.mkdir()
    recalls = " and ".join(
        f"index recall@{role.recall.k} {role.recall.recall:.4f}{manifest.for_relation(relation)}"
        for relation, role in manifest.roles.items()
    )
    summary = (
        f"{manifest.count:,} items, {manifest.dimension} dimensions, metric {manifest.metric}, kind "
        f"<code>{manifest.kind.kind}</code>, {recalls}."
    )
    sections = [
        section(
            f"Index recall{manifest.for_relation(relation)}",
            _recall_note(role.recall),
            _recall_plot(role) + _recall_table(role.recall, role.kind.setting()),
        )
        for relation, role in manifest.roles.items()
    ]
    sections += [
        section(f"Hubness{manifest.for_relation(relation)}", hubness_note(role.hubness), _hubness_table(role.hubness))
        for relation, role in manifest.roles.items()
        if role.hubness is not None
    ]
    if manifest.semantic_ids is not None:
        sections.append(section("Semantic IDs", _collision_note(manifest.semantic_ids), _levels(manifest.semantic_ids)))
    if tree is not None:
        sections.append(section("Tree of semantic IDs", _TREE_NOTE, _tree(tree)))
    if manifest.lexical is not None:
        sections.append(section("Words", _words_note(manifest.lexical, manifest.fusion), _weights(manifest.fusion)))
    sections.append(section("Attributes", "", table(("column", "type"), list(manifest.attributes.items()))))
    sections.append(section("Build", "", table(("what", "value"), _facts(manifest))))
    title = f"Index version of {escape(manifest.created_at)}"
    (folder / "index.html").write_text(page(title, summary, sections), encoding="utf-8")


def _recall_note(recall: RecallReport) -> str:
    source = "item vectors, each without itself" if recall.queries == "items" else "records of the query table"
    target = "" if recall.target is None else f" The build was asked to reach {recall.target}."
    return (
        f"Share of the exact {recall.k} best that the index finds, over {recall.n_queries} queries: {source}. "
        f"The marked row is served.{target}"
    )


def _recall_plot(role: RoleReport) -> str:
    if len(role.recall.points) < 2:
        return ""
    spots = [
        Spot(
            role.kind.kind,
            _setting(point.params),
            point.cpu_us_per_query,
            point.recall,
            point.params == role.kind.setting(),
        )
        for point in role.recall.points
    ]
    return front_plot(spots, role.recall.target)


def _setting(params: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in params.items()) or "none"


def _recall_table(recall: RecallReport, served: dict[str, int]) -> str:
    rows = []
    for point in recall.points:
        setting = escape(_setting(point.params))
        bar = f'<span class="bar" style="width:{6 * point.recall:.2f}rem"></span>'
        mark = ' class="served"' if point.params == served else ""
        rows.append(
            f'<tr{mark}><td>{setting}</td><td class="number">{point.recall:.4f}</td><td>{bar}</td>'
            f'<td class="number">{point.cpu_us_per_query:,.0f}</td></tr>'
        )
    head = (
        '<tr><th>search parameters</th><th class="number">recall</th><th></th><th class="number">CPU µs/query</th></tr>'
    )
    return f"<table>{head}{''.join(rows)}</table>"


def _hubness_table(report: HubnessReport) -> str:
    head = ("method", "skewness", "largest", "in no hits", "Robin Hood", "recall@1")
    rows = [
        (
            measure.method,
            f"{measure.skewness:.2f}",
            f"{measure.largest:,}",
            f"{measure.never:.1%}",
            f"{measure.robin_hood:.3f}",
            "unknown" if measure.recall_at_1 is None else f"{measure.recall_at_1:.4f}",
        )
        for measure in report.measures
    ]
    return table(head, rows)


def _collision_note(report: SemanticIdReport) -> str:
    return (
        f"{report.n_codes:,} different raw codes; {report.dup_share:.1%} of the items share theirs with another "
        f"(excess {report.dup_excess:.1%}, largest group {report.largest_group:,}). "
        f"{_resolution_note(report.resolution)}"
    )


def _resolution_note(resolution: ResolutionReport) -> str:
    done = (
        f"Policy <code>{resolution.policy}</code>: {resolution.groups:,} groups, {resolution.recoded:,} items with "
        f"another last code, {resolution.unresolved:,} told apart by a suffix. "
    )
    if resolution.continues is None:
        return (
            f"{done}No earlier semantic IDs were kept: {escape(resolution.continues_none_because or 'none asked for')}."
        )
    return (
        f"{done}Continues <code>{escape(resolution.continues)}</code>: {resolution.kept:,} items kept their semantic "
        f"ID, {resolution.changed:,} have another."
    )


def _levels(report: SemanticIdReport) -> str:
    rows = [
        (level, size, f"{perplexity:.1f}")
        for level, (size, perplexity) in enumerate(zip(report.codebook_sizes, report.perplexity, strict=True))
    ]
    return table(("level", "codes", "perplexity"), rows)


def _tree(tree: Branch) -> str:
    return f'<ul class="tree">{"".join(map(_branch, tree.children))}{_left_out(tree)}</ul>'


def _branch(branch: Branch) -> str:
    code = "-".join(map(str, branch.prefix))
    words = f" <b>{escape(', '.join(branch.words))}</b>" if branch.words else ""
    items = f"<br><small>{escape(', '.join(branch.items))}</small>"
    below = f"<ul>{''.join(map(_branch, branch.children))}{_left_out(branch)}</ul>" if branch.children else ""
    return f"<li><code>{code}</code> {branch.count:,}{words}{items}{below}</li>"


def _left_out(branch: Branch) -> str:
    more = branch.n_children - len(branch.children)
    left = branch.count - sum(child.count for child in branch.children)
    return f"<li>{more:,} more with {left:,} items</li>" if more else ""


def _words_note(words: LexicalReport, fusion: FusionReport | None) -> str:
    learned = "" if fusion is None else (
        f" The fusion <code>weighted</code> gives embeddings {fusion.dense_weight:g}, learned on {fusion.n_queries:,} "
        "queries:"
    )  # fmt: skip
    return (
        f"{words.n_words:,} different words in {escape(', '.join(words.fields))}, {words.n_postings:,} postings, "
        f"{words.n_without_words:,} items without words; stop words: {words.stop_words}.{learned}"
    )


def _weights(fusion: FusionReport | None) -> str:
    rows = [] if fusion is None else [(weight, f"{value:.4f}") for weight, value in fusion.ndcg.items()]
    return table(("weight of embeddings", "nDCG@10"), rows) if rows else ""


def _facts(manifest: IndexManifest) -> list[tuple[str, object]]:
    return [
        ("bundle", manifest.bundle_id),
        *(
            (f"kind{manifest.for_relation(relation)}", ", ".join(f"{k} {v}" for k, v in role.kind.model_dump().items()))
            for relation, role in manifest.roles.items()
        ),
        *(
            (f"why this kind{manifest.for_relation(relation)}", role.kind_because)
            for relation, role in manifest.roles.items()
            if role.kind_because
        ),
        ("same input gives the same files", "yes" if manifest.is_deterministic else "no"),
        *(
            (f"items with a zero embedding{manifest.for_relation(relation)}", role.n_zero_vectors)
            for relation, role in manifest.roles.items()
        ),
        *((f"seconds to {step}", f"{seconds:.2f}") for step, seconds in manifest.seconds.items()),
        *manifest.software.items(),
    ]
