"""The look of the pages that index versions and rebuilds are described on: self-contained, no script."""

from collections.abc import Sequence
from html import escape

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --line: #8883; --soft: #8881; --bar: #3b7dd8; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; margin-bottom: 0; }}
h2 {{ font-size: 1.1rem; margin-top: 2.5rem; }}
p {{ margin: .4rem 0; }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); }}
th {{ font-weight: 600; }}
td.number, th.number {{ text-align: right; }}
tr.served {{ background: var(--soft); font-weight: 600; }}
.bar {{ display: inline-block; height: .6rem; background: var(--bar); border-radius: .2rem; }}
.pill {{ border-radius: 1rem; padding: .1rem .6rem; font-size: .85em; color: #fff; background: #888; }}
.pill.passed, .pill.activated {{ background: #2c7a4b; }}
.pill.refused {{ background: #b3372f; }}
.tree, .tree ul {{ list-style: none; padding-left: 1.2rem; }}
.tree {{ padding-left: 0; }}
code {{ font-family: ui-monospace, monospace; font-size: .92em; }}
</style>
<h1>{title}</h1>
<p>{summary}</p>
{sections}
</html>
"""


def page(title: str, summary: str, sections: Sequence[str]) -> str:
    """A whole page; all three are HTML."""
    return _PAGE.format(title=title, summary=summary, sections="\n".join(sections))


def section(title: str, note: str, content: str) -> str:
    """A heading, a paragraph unless `note` is empty, and what stands below."""
    return f"<h2>{title}</h2>\n" + (f"<p>{note}</p>\n" if note else "") + content


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of texts, which are escaped."""
    header = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{header}</tr>{body}</table>"
