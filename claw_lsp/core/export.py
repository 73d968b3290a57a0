"""A session as a document to keep or to give away: Markdown, HTML that needs nothing and does nothing, or JSON.

What looks like a credential is left out of all of them, wherever it stood; the log keeps it. What the model and the tools said
is written so that it loads nothing, hides nothing and poses as nothing of ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Literal

from claw_lsp.core.blocks import sound
from claw_lsp.core.chat.scrub import scrubbed
from claw_lsp.core.chat.writer import asked, code
from claw_lsp.core.escape import one_line, visible
from claw_lsp.core.fold import fold
from claw_lsp.core.redaction import redacted_within
from claw_lsp.core.render import call_title, duration, usage_line
from claw_lsp.facts.call import Call, Result, calls_in, text_in
from claw_lsp.facts.event import (
    CallFinished,
    Entry,
    ModelSpoke,
    SessionStarted,
    Steered,
    Titled,
    TurnEnded,
    UserSpoke,
)
from claw_lsp.facts.usage import Usage

Format = Literal["markdown", "html", "json"]
FORMATS: dict[Format, str] = {"markdown": "md", "html": "html", "json": "json"}
"""Each format with the ending of its files."""

MOST_SHOWN = 4000
"""Characters of a call's input or result in Markdown and HTML; JSON holds all of it."""


def exported(entries: Sequence[Entry], format_: Format) -> str:
    """The whole document; it ends with a line end."""
    entries = [Entry.model_validate(redacted_within(it.model_dump(mode="python"))) for it in entries]
    match format_:
        case "markdown":
            return sound(_markdown(entries))
        case "html":
            return sound(_html(entries))
        case "json":
            return _json(entries)


def title_of(entries: Sequence[Entry]) -> str:
    """The title of a session, else how it began, on one line."""
    titles = [it.event.title for it in entries if isinstance(it.event, Titled)]
    spoken = (it.event.text for it in entries if isinstance(it.event, UserSpoke))
    return one_line(titles[-1] if titles and titles[-1] else next(spoken, "A session"), 80)


@dataclass(frozen=True, slots=True)
class _Part:
    """One piece of the document: who it is from, and for a call its line, what it was given and what came of it."""

    who: Literal["you", "claude", "call", "note"]
    text: str
    given: str = ""
    result: str = ""


def _parts(entries: Sequence[Entry]) -> Iterator[_Part]:
    calls: dict[str, Call] = {}
    cwd = ""
    for entry in entries:
        event = entry.event
        if isinstance(event, SessionStarted):
            cwd = event.cwd
        elif isinstance(event, UserSpoke | Steered):
            yield _Part("you", event.text)
        elif isinstance(event, ModelSpoke):
            calls |= {it.id: it for it in calls_in(event.blocks)}
            if text := text_in(event.blocks).strip():
                yield _Part("claude", text)
        elif isinstance(event, CallFinished):
            yield _call(calls.get(event.call_id), event, cwd)
        elif isinstance(event, TurnEnded) and event.stopped != "done":
            yield _Part("note", f"{event.stopped}: {event.why}" if event.why else event.stopped)


def _call(call: Call | None, event: CallFinished, cwd: str) -> _Part:
    title = call_title(call, cwd) if call else event.call_id
    given = json.dumps(call.input, indent=2, ensure_ascii=False) if call else ""
    mark = "✗" if event.result.is_error else "✓"
    return _Part("call", f"{mark} {title} · {duration(event.seconds)}", _cut(given), _cut(_told(event.result)))


def _told(result: Result) -> str:
    if isinstance(result.content, str):
        return result.content
    return "\n".join(it["text"] if it.get("type") == "text" else f"[{it.get('type')}]" for it in result.content)


def _cut(text: str) -> str:
    text = visible(text.replace("\r\n", "\n"))
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}\n… {len(text) - MOST_SHOWN} more characters"


def _facts(entries: Sequence[Entry]) -> str:
    """One line about the whole: when, where, with which model, and what it took."""
    if not entries:
        return ""
    state = fold(it.event for it in entries)
    began = datetime.fromtimestamp(entries[0].at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    used = usage_line(sum(state.usage.values(), Usage()), state.cost, entries[-1].at - entries[0].at)
    return f"{began} · {one_line(state.cwd, 200)} · {one_line(state.model, 80)} · {used}"


def _markdown(entries: Sequence[Entry]) -> str:
    said = "\n\n".join(_as_markdown(it) for it in _parts(entries))
    # Made harmless as it stands: what is a fence at the beginning of a line is none behind a #.
    return f"{scrubbed(f'# {title_of(entries)}')}\n\n{code(_facts(entries))}\n\n{said}\n"


def _as_markdown(part: _Part) -> str:
    match part.who:
        case "you":
            return f"## You\n\n{asked(visible(part.text))}"
        case "claude":
            return f"## Claude\n\n{scrubbed(part.text)}"
        case "call":
            return "\n\n".join([f"- {code(part.text)}", *map(_fenced, filter(str.strip, (part.given, part.result)))])
        case "note":
            return f"- {code(part.text)}"


def _fenced(text: str) -> str:
    """Code, in a fence longer than any that stands in it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text.rstrip()}\n{fence}"


def _html(entries: Sequence[Entry]) -> str:
    title = escape(title_of(entries))
    body = "\n".join(_as_html(it) for it in _parts(entries))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f'<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n<style>{_STYLE}</style>\n'
        f"</head>\n<body>\n<h1>{title}</h1>\n<p>{escape(_facts(entries))}</p>\n{body}\n</body>\n</html>\n"
    )


def _as_html(part: _Part) -> str:
    text = escape(visible(part.text.replace("\r\n", "\n")))
    match part.who:
        case "you" | "claude":
            return f'<section class="{part.who}"><h2>{part.who.title()}</h2><div>{text}</div></section>'
        case "call":
            inside = "".join(f"<pre>{escape(it)}</pre>" for it in (part.given, part.result) if it.strip())
            return f"<details><summary>{text}</summary>{inside}</details>"
        case "note":
            return f"<p>{text}</p>"


_STYLE = (
    "body{max-width:50em;margin:2em auto;padding:0 1em;font:16px/1.5 system-ui,sans-serif}"
    "div,pre{white-space:pre-wrap;overflow-wrap:anywhere}h2{font-size:1em}pre{background:#8882;padding:.5em}"
    ".you{border-left:4px solid #48c;padding-left:1em}:root{color-scheme:light dark}"
)


def _json(entries: Sequence[Entry]) -> str:
    """Everything, as the log holds it; plain ASCII, so that half a character survives, too."""
    state = fold(it.event for it in entries)
    whole = {
        "session": state.session,
        "title": title_of(entries),
        "folder": state.roots[0] if state.roots else state.cwd,
        "entries": [it.model_dump(mode="python") for it in entries],
    }
    return json.dumps(whole, indent=1) + "\n"
