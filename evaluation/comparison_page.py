"""A comparison as one page for people and as JSON: the verdict first, then numbers, then queries to look at."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from bundle.files import replace_file
from evaluation.comparison_pictures import differences, interval_bar, overlaps, shares_bar
from evaluation.markup import Section, document, grid, links_to, paragraph, picture, table
from evaluation.side_by_side import ListedItem, Outcome, QueryValues, ShownQuery, SideBySide

_NAMES = {"ndcg": "nDCG", "map": "MAP", "mrr": "MRR", "hit_rate": "hit rate"}
_MOST_MISSED = 3
_VERDICT: dict[Outcome, str] = {
    "better": "The right side is better",
    "worse": "The right side is worse",
    "undecided": "These queries do not tell the two apart",
    "equal": "Both are worth the same on every query",
    "unknown": "Nothing says which is better",
}
_STYLE = """
.verdict{border-left:4px solid var(--soft);background:var(--card);border-radius:6px;padding:.8rem 1.1rem;margin:1rem 0}
.verdict.better{border-color:var(--good);background:var(--good-paper)}
.verdict.worse{border-color:var(--warn);background:var(--warn-paper)}
.verdict h2{border:0;margin:0 0 .2rem;padding:0}.verdict p{margin:.2rem 0}
.sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,18rem),1fr));gap:.8rem}
.sides div{overflow-wrap:anywhere}
.shares{display:inline-flex;width:5rem;height:.7rem;border-radius:3px;overflow:hidden;vertical-align:middle}
.shares i{display:block}
i.up{background:var(--s2)}i.down{background:var(--s1)}i.flat{background:var(--line)}
svg.interval{width:7.5rem;min-width:7.5rem;margin-left:auto}
svg .zero{stroke:var(--soft);fill:none}
svg path.up,svg path.down,svg path.flat{stroke-width:3;stroke-linecap:round}
svg path.up{stroke:var(--s2)}svg path.down{stroke:var(--s1)}svg path.flat{stroke:var(--soft)}
svg circle.up,svg .area.up{fill:var(--s2)}svg circle.down,svg .area.down{fill:var(--s1)}
svg circle.flat{fill:var(--soft)}
svg .area{stroke:none}
svg .bar{fill:var(--s0)}
svg text{fill:var(--quiet);font-size:14px}
.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,30rem),1fr));gap:1rem;margin:1rem 0}
.lists{display:grid;grid-template-columns:1fr 1fr;gap:1rem;margin-top:.6rem}
@media (max-width:26rem){.lists{grid-template-columns:1fr}}
.lists ol{margin:.2rem 0 0;padding-left:1.5rem;font-size:.88rem}
.lists li{overflow-wrap:anywhere;margin:.15rem 0}
.lists li::marker{color:var(--quiet);font-variant-numeric:tabular-nums}
.lists h4{margin:0;font-size:.85rem;color:var(--quiet);font-weight:600}
li.right{color:var(--good);font-weight:600}
li small{color:var(--quiet);font-weight:400;white-space:nowrap}
table.results td{vertical-align:middle;white-space:nowrap}
svg.chart{max-width:32rem}
#how td,#how th{text-align:left}
"""


def write_comparison(found: SideBySide, path: Path) -> Path:
    """Write the page to `path` and the JSON beside it, each in one step; the path of the JSON."""
    beside = path.with_name(f"{path.name}.json") if path.suffix == ".json" else path.with_suffix(".json")
    replace_file(path, comparison_page(found))
    replace_file(beside, found.model_dump_json(indent=1) + "\n")
    return beside


def comparison_page(found: SideBySide) -> str:
    """The whole page; it needs no other file and runs no script."""
    sections = [section for section in (_results(found), _hits(found), *_shown(found), _measured(found)) if section]
    parts = [
        "<h1>Side by side</h1>",
        f'<div class="sides quiet">{_side("left", found.left.name, found.left.detail)}'
        f"{_side('right', found.right.name, found.right.detail)}</div>",
        _verdict(found),
        links_to(sections),
        *(section.html() for section in sections),
    ]
    return document(f"{found.left.name} and {found.right.name} side by side", parts, _STYLE)


def verdict(found: SideBySide) -> tuple[str, str]:
    """The outcome in a few words, and the numbers that it rests on in a sentence."""
    if not found.results:
        return _VERDICT["unknown"], (
            f"There are no grades, so only the hits can be compared: of the first {found.k} hits the two share "
            f"{found.overlap.mean:.0%} in the mean over {_queries(found.n_queries)}."
        )
    first = found.results[0]
    if found.outcome == "unknown":
        return _VERDICT["unknown"], f"There is one query only; {metric_name(first.metric)} goes from {_change(found)}."
    sure = f"{found.significance.level:.0%} interval {first.difference.interval(sign='+')}, p = {_p(first.p_value)}"
    if first.difference.why_none:
        sure = f"{first.difference.interval()}, p = {_p(first.p_value)}"
    return _VERDICT[found.outcome], (
        f"{metric_name(first.metric)} goes from {_change(found)} over {_queries(found.n_queries)} ({sure}); "
        f"{first.wins:,} won, {first.losses:,} lost, {first.ties:,} tied."
    )


def metric_name(name: str) -> str:
    """A metric as people write it."""
    kind, at, k = name.partition("@")
    return _NAMES.get(kind, kind) + at + k


def _change(found: SideBySide) -> str:
    first = found.results[0]
    return f"{first.left:.4f} to {first.right:.4f}, {first.difference.mean:+z.4f}"


def _queries(count: int) -> str:
    return "one query" if count == 1 else f"{count:,} queries"


def _p(value: float) -> str:
    return f"{value:.1g}" if value < 0.001 else f"{value:.3f}"


def _side(place: str, name: str, detail: str) -> str:
    return f"<div><b>{place}</b> {escape(name)}{'<br>' if detail else ''}{escape(detail)}</div>"


def _verdict(found: SideBySide) -> str:
    title, sentence = verdict(found)
    return f'<div class="verdict {found.outcome}"><h2>{escape(title)}</h2>{paragraph(sentence)}</div>'


def _results(found: SideBySide) -> Section | None:
    if not found.results:
        return None
    ends = [
        end for one in found.results for end in (one.difference.low, one.difference.high, one.difference.mean) if end
    ]
    reach = max(map(abs, ends), default=0.0)
    head = ("metric", "left", "right", "difference", "", f"{found.significance.level:.0%} interval", "p", "p corrected")
    rows = "".join(
        f"<tr><td>{escape(metric_name(one.metric))}</td><td>{one.left:.4f}</td><td>{one.right:.4f}</td>"
        f"<td>{one.difference.mean:+z.4f}</td><td>{interval_bar(one.difference, reach)}</td>"
        f"<td>{escape(one.difference.interval(sign='+'))}</td><td>{_p(one.p_value)}</td><td>{_p(one.p_holm)}</td>"
        f"<td>{shares_bar(one)}</td><td>{one.losses:,} / {one.ties:,} / {one.wins:,}</td></tr>"
        for one in found.results
    )
    header = "".join(f"<th>{escape(cell)}</th>" for cell in (*head, "", "lost / tied / won"))
    note = (
        "Differences are right less left on the same queries. p is of a paired randomisation test; corrected, it "
        f"allows for the {len(found.results)} tests of this table (Holm)."
    )
    body = f'<div class="scroll"><table class="results"><tr>{header}</tr>{rows}</table></div>'
    return Section("metrics", "Metrics", paragraph(note, "quiet") + body)


def _hits(found: SideBySide) -> Section:
    pictures = []
    if found.results:
        drawn = differences([one.difference for one in found.queries], metric_name(found.results[0].metric))
        caption = f"Difference in {metric_name(found.results[0].metric)}: below 0 the right side lost, above it won."
        pictures.append(picture(drawn, caption))
    caption = (
        f"Of the first {found.k} hits both have {found.overlap.mean:.0%} in the mean "
        f"({found.overlap.interval(2)}). Many other hits with equal quality are a change that users see."
    )
    pictures.append(picture(overlaps([one.overlap for one in found.queries], found.k), caption))
    return Section("queries", "Query by query", grid(pictures))


def _shown(found: SideBySide) -> list[Section]:
    metric = metric_name(found.results[0].metric) if found.results else ""
    equal = f"{metric} is the same on both sides, the hits are not." if metric else "The least overlap of all queries."
    groups = (
        ("worst", "What got worse", f"The queries that lose most {metric}.", found.worst),
        ("best", "What got better", f"The queries that gain most {metric}.", found.best),
        ("changed", "Other hits" if metric else "What changed most", equal, found.changed),
    )
    mark = (
        " ✓ marks a relevant item; small print is the place on the other side of items that stand there."
        if metric
        else ""
    )
    return [
        Section(anchor, title, paragraph(note + mark, "quiet") + _pairs(queries, metric))
        for anchor, title, note, queries in groups
        if queries
    ]


def _pairs(queries: Sequence[ShownQuery], metric: str) -> str:
    return grid([_pair(one, metric) for one in queries], "pairs")


def _pair(shown: ShownQuery, metric: str) -> str:
    left, right = _list("left", shown.left), _list("right", shown.right)
    below = ""
    if shown.missed:
        listed = " · ".join(escape(item.name) for item in shown.missed[:_MOST_MISSED])
        more = f" and {len(shown.missed) - _MOST_MISSED:,} more" if len(shown.missed) > _MOST_MISSED else ""
        below = f'<p class="quiet">in neither: {listed}{more}</p>'
    return (
        f'<div class="card"><h3>{escape(shown.name)}</h3><div class="quiet">{_numbers(shown.values, metric)}</div>'
        f'<div class="lists">{left}{right}</div>{below}</div>'
    )


def _numbers(values: QueryValues, metric: str) -> str:
    overlap = f"{values.overlap:.0%} of the hits in common"
    if values.left is None or values.right is None:
        return overlap
    change = f" ({values.difference:+.3f})" if values.difference else ""
    return f"{escape(metric)} {values.left:.3f} → {values.right:.3f}{change} · {overlap}"


def _list(title: str, items: Sequence[ListedItem]) -> str:
    lines = "".join(map(_line, items))
    return f"<div><h4>{title}</h4>{f'<ol>{lines}</ol>' if items else paragraph('no hits', 'quiet')}</div>"


def _line(item: ListedItem) -> str:
    grade = f" ({item.grade:g})" if item.grade is not None and item.grade not in (0, 1) else ""
    small = "" if item.other_place is None else f" <small>there {item.other_place}</small>"
    mark = ' class="right"' if item.is_relevant else ""
    return f"<li{mark}>{'✓ ' if item.is_relevant else ''}{escape(item.name)}{grade}{small}</li>"


def _measured(found: SideBySide) -> Section:
    config = found.significance
    gain = "the grade itself" if found.gain == "linear" else "2^grade − 1"
    rows = [
        ["what", "how"],
        ["queries", f"{found.n_queries:,}"],
        [
            "intervals",
            f"{config.level:.0%}, {config.resamples:,} resamples of the queries ({config.method}), seed {config.seed}",
        ],
        ["test", f"paired, signs of the differences drawn {config.permutations:,} times, two-sided"],
    ]
    if found.results:
        rows += [
            ["nDCG's gain", gain],
            ["hits without a grade", f"count as not relevant; with a grade are {_judged(found)}"],
            ["queries without a relevant item", f"{found.n_without_answer:,}; they count as 0 for both"],
        ]
    note = (
        "Intervals say how the difference would vary over other queries of this kind. They say nothing of another "
        "training with another seed, nor of queries unlike these."
    )
    return Section("how", "How it was measured", paragraph(note) + table(rows))


def _judged(found: SideBySide) -> str:
    return (
        f"{found.left.judged or 0:.0%} of the first {found.k} on the left, {found.right.judged or 0:.0%} on the right"
    )
