"""The look of the pages that describe trainings and comparisons: style, tables, pictures with captions, no script."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--card:#f6f7f9;--ink:#1b1f24;--quiet:#5b6470;--line:#dde1e6;--soft:#9aa3ad;
--warn:#b45309;--warn-paper:#fff7ea;--good:#15803d;--good-paper:#eefaf1;
--s0:#2563eb;--s1:#d97706;--s2:#0d9488;--s3:#9333ea;--s4:#db2777;--s5:#65a30d;--s6:#b91c1c;--s7:#7a8594;
--b0:#ea580c;--b1:#a5c8f5;--b2:#5f9cec;--b3:#2563c9;--b4:#142f6b}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--card:#1c2026;--ink:#e7eaee;--quiet:#a2abb6;--line:#313841;
--soft:#6d7783;--warn:#f0b35a;--warn-paper:#2a2115;--good:#6cce8c;--good-paper:#16261b;
--s0:#6aa5ff;--s1:#f0a94a;--s2:#3ccbbb;--s3:#c08bff;--s4:#ff7ab6;--s5:#a3d44e;--s6:#ff8078;--s7:#8e99a6;
--b0:#ff8a4c;--b1:#38557f;--b2:#4a80cc;--b3:#79b1ff;--b4:#dcebff}}
*{box-sizing:border-box}
body{font:16px/1.55 system-ui,sans-serif;background:var(--paper);color:var(--ink);max-width:72rem;margin:0 auto;
padding:2rem 1.25rem 5rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .4rem}
h2{font-size:1.25rem;margin:3rem 0 .4rem;padding-top:.6rem;border-top:1px solid var(--line)}
h3{font-size:1rem;line-height:1.35;margin:0 0 .15rem;overflow-wrap:anywhere}
p{margin:.3rem 0 .8rem;max-width:48rem}
.quiet,figcaption,nav{color:var(--quiet);font-size:.9rem}
nav{margin:1rem 0 1.5rem;line-height:1.9}nav a{margin-right:1rem;white-space:nowrap}
a{color:var(--s0)}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,27rem),1fr));gap:1.2rem;margin:1rem 0}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:1rem;margin:1rem 0}
figure,.card{margin:0;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.9rem 1rem}
svg{display:block;width:100%;height:auto;font-family:system-ui,sans-serif}
figcaption{margin-top:.5rem}
.scroll{overflow-x:auto;margin:.8rem 0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92rem}
th,td{padding:.25rem .9rem .25rem 0;text-align:right;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;white-space:nowrap}
th:first-child,td:first-child{text-align:left}
.card table{width:100%;font-size:.88rem;margin-top:.5rem}
.card td:last-child,.card th:last-child{padding-right:0}
.card table+.quiet{margin-top:.5rem}
.card td.name{text-align:left;overflow-wrap:anywhere}
tr.found td{color:var(--good);font-weight:600}
.findings{border-left:4px solid var(--warn);background:var(--warn-paper);border-radius:6px;padding:.8rem 1.1rem;
margin:1rem 0}
.findings.none{border-color:var(--good);background:var(--good-paper)}
.findings h2{border:0;margin:0 0 .3rem;padding:0}
.findings ul{margin:.3rem 0;padding-left:1.1rem}.findings li{margin:.45rem 0;max-width:60rem}
.findings p{margin:.2rem 0}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1rem;overflow-x:auto;font-size:.85rem}
details summary{cursor:pointer;color:var(--quiet)}
"""


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor, its title, and its HTML."""

    anchor: str
    title: str
    body: str

    def html(self) -> str:
        """The section with its heading."""
        return f'<section id="{self.anchor}">\n<h2>{escape(self.title)}</h2>\n{self.body}\n</section>'


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    mark = f' class="{kind}"' if kind else ""
    return f"<p{mark}>{escape(text)}</p>"


def picture(svg: str, caption: str) -> str:
    """A picture and how to read it."""
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def grid(parts: Sequence[str], kind: str = "grid") -> str:
    """Boxes side by side where there is room."""
    return f'<div class="{kind}">\n' + "\n".join(parts) + "\n</div>"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A table of plain texts; the first row is the header."""
    header, *body = rows
    lines = ["<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in header) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in body]
    return '<div class="scroll"><table>' + "\n".join(lines) + "</table></div>"


def document(title: str, parts: Sequence[str], style: str = "") -> str:
    """A whole page that needs no other file; `title` is text, `parts` are HTML, `style` stands behind the usual one."""
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def links_to(sections: Sequence[Section]) -> str:
    """Links to the sections of a page."""
    links = "\n".join(f'<a href="#{section.anchor}">{escape(section.title)}</a>' for section in sections)
    return f"<nav>{links}</nav>"
