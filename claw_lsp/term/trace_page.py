"""A timeline as one page that needs nothing and sends nothing: rows, filters, and the rest of each fact to unfold.

All that was said is written as text, escaped, in the rows; the script only hides and shows them, and is the only one that the
page's own policy lets run.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from html import escape

from claw_lsp.core.blocks import sound
from claw_lsp.core.escape import visible
from claw_lsp.term.timeline import Moment


def page(title: str, head: Sequence[str], moments: Sequence[Moment]) -> str:
    """The whole page; it ends with a line end."""
    began = moments[0].at if moments else 0.0
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_digest(_SCRIPT)}'"
    rows = "\n".join(_row(it, began) for it in moments)
    return sound(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n'
        f"</head>\n<body>\n<h1>{_text(title)}</h1>\n<p>{'<br>'.join(_text(it) for it in head if it)}</p>\n"
        f"{_filters(moments)}\n<main>\n{rows}\n</main>\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _filters(moments: Sequence[Moment]) -> str:
    tools = (tool for it in moments for tool in it.tool.split())
    numbers = {run: n for n, run in enumerate(dict.fromkeys(it.run for it in moments if it.run), 1)}
    return (
        "<form>"
        f"{_select('kind', Counter(it.kind for it in moments).items(), 'every kind')}"
        f"{_select('tool', Counter(tools).items(), 'every tool')}"
        f"{_select('run', Counter(it.run for it in moments if it.run).items(), 'every run', numbers)}"
        '<input name="text" type="search" placeholder="text" aria-label="text">'
        '<label><input name="facts" type="checkbox" checked> facts</label>'
        '<label><input name="lsp" type="checkbox" checked> messages</label>'
        '<label><input name="failed" type="checkbox"> errors only</label>'
        f'<output name="shown">{len(moments)} of {len(moments)}</output></form>'
    )


def _select(name: str, counts: Iterable[tuple[str, int]], every: str, numbers: dict[str, int] | None = None) -> str:
    options = "".join(
        f'<option value="{_text(it)}">{f"run {numbers[it]}: " if numbers else ""}{_text(it)} ({n})</option>'
        for it, n in (counts if numbers else sorted(counts))
    )
    return f'<select name="{name}" aria-label="{name}"><option value="">{every}</option>{options}</select>'


def _row(it: Moment, began: float) -> str:
    at = datetime.fromtimestamp(it.at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
    arrow = {"fact": "#", "server": "→", "client": "←"}[it.lane]
    cells = (
        f'<time title="{at}">{it.at - began:+.3f}</time><b>{arrow}{_text(it.name)}</b>'
        f"<i>{_text(it.kind)}</i><span>{_text(f'{it.tool}: ' if it.tool else '')}{_text(it.text)}</span>"
    )
    marks = (
        f'class="m {it.lane}{" bad" if it.failed else ""}" data-kind="{_text(it.kind)}" data-tool="{_text(it.tool)}"'
    )
    marks = f'{marks} data-run="{_text(it.run)}"'
    if not it.detail:
        return f"<div {marks}>{cells}</div>"
    return f"<details {marks}><summary>{cells}</summary><pre>{_text(it.detail)}</pre></details>"


def _text(text: str) -> str:
    return escape(visible(text))


def _digest(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()


_STYLE = """
:root{color-scheme:light dark}body{margin:1em;font:14px/1.45 system-ui,sans-serif}h1{font-size:1.2em;margin:0}
form{position:sticky;top:0;display:flex;flex-wrap:wrap;gap:.6em;align-items:center;padding:.5em 0;background:Canvas}
select{max-width:16em}output{margin-left:auto}main{font-family:ui-monospace,monospace;font-size:12px}
.m{content-visibility:auto;contain-intrinsic-size:auto 1.6em;border-top:1px solid #8883}.m[hidden]{display:none}
div.m,summary{display:grid;grid-template-columns:6.5em 6em 17em 1fr;gap:.8em;padding:.1em .3em}
summary{cursor:pointer}time{text-align:right;opacity:.7}b{font-weight:600;overflow:hidden;text-overflow:ellipsis}
i{font-style:normal;overflow-wrap:anywhere}span{overflow-wrap:anywhere}.server b,.client b{color:#4285d6}
.server,.client{opacity:.85}.bad i,.bad span{color:#c5221f}pre{white-space:pre-wrap;overflow-wrap:anywhere;
margin:0 0 .5em 7em;padding:.5em;background:#8881}@media(max-width:50em){div.m,summary{grid-template-columns:5em 5em 1fr}
div.m span,summary span{grid-column:1/-1}}
@media(prefers-color-scheme:dark){.bad i,.bad span{color:#f28b82}.server b,.client b{color:#8ab4f8}}
"""

_SCRIPT = """
"use strict";
const form = document.forms[0], rows = [...document.querySelectorAll(".m")];
let texts;
function show() {
  const field = form.elements, text = field.text.value.toLowerCase();
  if (text && !texts) texts = rows.map((row) => row.textContent.toLowerCase());
  let n = 0;
  rows.forEach((row, at) => {
    const { kind, tool, run } = row.dataset;
    const fits = (!field.kind.value || field.kind.value === kind)
      && (!field.tool.value || tool.split(" ").includes(field.tool.value))
      && (!field.run.value || field.run.value === run)
      && (row.classList.contains("fact") ? field.facts.checked : field.lsp.checked)
      && (!field.failed.checked || row.classList.contains("bad"))
      && (!text || texts[at].includes(text));
    row.hidden = !fits;
    n += fits;
  });
  field.shown.value = n + " of " + rows.length;
}
form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
show();
"""
