"""What is in the model's window, by kind, and what dropping some of it would cost.

How long each item is, is an estimate by its characters; the estimates are scaled so that they add up to what the provider
counted, of the request as it would be sent now (`count_tokens`), or else of the last one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from claw_lsp.core.blocks import THINKING, message, rough
from claw_lsp.core.chat.writer import code
from claw_lsp.core.dropping import files_told, turns
from claw_lsp.core.prefix import place
from claw_lsp.core.render import call_title, dollars, one_line, tokens
from claw_lsp.core.state import State
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Block, Call, calls_in
from claw_lsp.facts.usage import ModelFacts, Price, Usage, cost

Kind = Literal[
    "system", "tools", "instructions", "environment", "prompts", "replies", "thinking", "files", "results", "notes"
]
Counted = Literal["counted", "reported", "estimated"]
"""Where the sum comes from: the provider counted this request, told it with the last reply, or nobody did."""

BAR = 24
"""Characters of the chart's whole width."""
SMALL = 100
"""Tokens of text in a message that are not worth a line of their own to be dropped by."""
MOST = 40
"""Items of one kind that the document lists, the largest."""

_NAMES: dict[Kind, str] = {
    "system": "System prompt",
    "tools": "Tools",
    "instructions": "Instructions and memory",
    "environment": "Environment",
    "prompts": "What you said",
    "replies": "What Claw said and did",
    "thinking": "Thinking",
    "files": "Files read",
    "results": "Results of other tools",
    "notes": "Notes and what was sent along",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One item in the window, about `tokens` long. `id` is what drops it, as core/dropping.py says; "" for what cannot be
    dropped. `covers`: so many tokens of other items would go with it."""

    id: str
    kind: Kind
    name: str
    tokens: int
    covers: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """Everything in the window. The parts add up to `used`, which stands for the `estimated` sum of their lengths; `limit` is
    the window, `compact_at` where it is compacted by itself, None for never."""

    parts: tuple[Part, ...]
    used: int
    estimated: int
    how: Counted
    limit: int
    compact_at: int | None = None

    @property
    def free(self) -> int:
        return max(0, self.limit - self.used)


def window(state: State, facts: ModelFacts, compact_at: int | None, asked: int | None) -> Window:
    """The window as it is now; `asked` is the provider's own count of it, None where it has none."""
    found = tuple(_parts(state))
    estimated = sum(it.tokens for it in found)
    how: Counted = "counted" if asked is not None else "reported" if state.size else "estimated"
    used = asked if asked is not None else state.filled if state.size else estimated
    return Window(scaled(found, used), used, estimated, how, facts.context, compact_at)


def scaled(parts: Sequence[Part], total: int) -> tuple[Part, ...]:
    """The parts with their lengths in the same proportions, so that they add up to the total exactly."""
    before = sum(it.tokens for it in parts)
    if not before:
        return tuple(parts)
    found: list[Part] = []
    seen = given = 0
    for it in parts:
        seen += it.tokens
        upto = total * seen // before
        found.append(replace(it, tokens=upto - given, covers=total * it.covers // before))
        given = upto
    return tuple(found)


# ---- what there is ----------------------------------------------------------------------------------------------------


def _parts(state: State) -> Iterator[Part]:
    yield Part("", "system", "what Claw is told about itself", _length(state.system))
    for tool in (it for it in state.tools if not it.deferred):
        size = _length(tool.name) + _length(tool.description) + _length(json.dumps(tool.input_schema))
        yield Part(f"tool:{tool.name}", "tools", tool.name, size)
    calls: dict[str, Call] = {}
    prompts = {it.n_messages: it for it in state.said if it.prefix == state.prefix and it.prompt_id}
    pending = [message("user", state.pending)] if state.pending else []
    for m, it in enumerate([*state.messages, *pending]):
        said = prompts.get(m)
        if it["role"] == "assistant":
            calls |= {one.id: one for one in calls_in(it["content"])}
            yield from _replied(it["content"])
        else:
            yield from _heard(it["content"], m, state, calls, said.text if said else None)
    yield from _turns(state)


def _turns(state: State) -> Iterator[Part]:
    """What was done for a prompt, as one item: its length is that of items that are listed by themselves."""
    here = [it for it in state.said if it.prefix == state.prefix]
    words = {it.prompt_id: it.text for it in here}
    for prompt_id, start, end in turns(state.messages, here):
        name = f"all that was done for: {one_line(words[prompt_id])}"
        size = sum(rough(it["content"]) for it in state.messages[start + 1 : end])
        yield Part(f"turn:{prompt_id}", "replies", name, 0, size)


def _replied(blocks: Iterable[Block]) -> Iterator[Part]:
    for it in blocks:
        kind: Kind = "thinking" if it["type"] in THINKING else "replies"
        yield Part("", kind, "thinking" if kind == "thinking" else "replies", rough((it,)))


def _heard(blocks: Sequence[Block], m: int, state: State, calls: dict[str, Call], words: str | None) -> Iterator[Part]:
    for b, it in enumerate(blocks):
        if it["type"] == "tool_result":
            call = calls.get(it["tool_use_id"])
            kind: Kind = "files" if call is not None and call.name == "Read" else "results"
            name = call_title(call, state.cwd) if call is not None else "a call"
            yield Part(f"call:{it['tool_use_id']}", kind, name, rough((it,)))
        elif m == 0 and b == 0 and (told := list(files_told(it, state.instructed))):
            files = [
                Part(f"file:{one.path}", "instructions", one.path, _length(it["text"][one.start : one.end]))
                for one in told
            ]
            yield from files
            yield Part("", "environment", "where Claw works", max(0, rough((it,)) - sum(one.tokens for one in files)))
        elif words is not None and it["type"] == "text" and words.strip() and words.strip() in it["text"]:
            yield Part("", "prompts", one_line(words), rough((it,)))
        elif m == 0 and b == 0:
            yield Part("", "environment", "where Claw works", rough((it,)))
        else:
            size = rough((it,))
            id_ = place(m, b) if size >= SMALL else ""
            yield Part(id_, "notes", one_line(it.get("text", "") or it["type"]), size)


def _length(text: str) -> int:
    return rough(({"type": "text", "text": text},))


# ---- what dropping would cost ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dropping:
    """What leaving items out changes, in tokens and dollars (None where the price is not known): the rest is read anew and
    written to the cache once; from then on each request reads less from it."""

    freed: int
    again: int
    once: float | None
    saved: float | None


def dropping(before: Window, after: Window, price: Price | None) -> Dropping:
    """What it costs to go on with `after` in place of `before`; by the lengths of both, scaled as `before` was counted."""
    again = before.used * after.estimated // max(1, before.estimated)
    freed = max(0, before.used - again)
    now = cost(Usage(cache_write_5m_tokens=again), price)
    else_ = cost(Usage(cache_read_tokens=before.used), price)
    once = None if now is None or else_ is None else max(0.0, now - else_)
    return Dropping(freed, again, once, cost(Usage(cache_read_tokens=freed), price))


def asked_about(it: Dropping, names: Sequence[str]) -> str:
    """The question in words."""
    what = ", ".join(code(name) for name in names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    price = (
        f"once {dollars(it.once)} more than going on as it is" if it.once is not None else "once, at a price not known"
    )
    saved = f"; each later request costs {dollars(it.saved)} less" if it.saved is not None else ""
    return (
        f"Leave out {what}? It frees about {tokens(it.freed)} tokens. The {tokens(it.again)} that stay are read anew: "
        f"{price}{saved}."
    )


# ---- the document -----------------------------------------------------------------------------------------------------

_HOW: dict[Counted, str] = {
    "counted": "counted by the model's server",
    "reported": "as the last reply told",
    "estimated": "estimated by length",
}


def written(it: Window, model: str) -> tuple[str, dict[str, Part]]:
    """The document, and which item each of its lines is about."""
    percent = round(100 * it.used / it.limit) if it.limit else 0
    text = [f"{tokens(it.used)} of {tokens(it.limit)} tokens of {model} are in use ({percent} %; {_HOW[it.how]})."]
    if it.compact_at is not None:
        text.append(f"From {tokens(it.compact_at)} on the session is compacted by itself; `/compact` does it now.")
    else:
        text.append("It is compacted only when you say so (`/compact`).")
    text += ["", "```text", *_chart(it), "```", ""]
    text += ["On the line of an item, a code action drops it; what that costs is asked first.", ""]
    about: dict[str, Part] = {}
    for kind, name in _NAMES.items():
        here = sorted(
            (one for one in it.parts if one.kind == kind and one.id), key=lambda one: -max(one.tokens, one.covers)
        )
        if not here:
            continue
        text += [f"## {name}", ""]
        for one in here[:MOST]:
            line = _line(one, about)
            about[line] = one
            text.append(line)
        text += [f"- and {counted(len(here) - MOST, 'smaller one')}"] if len(here) > MOST else []
        text.append("")
    return "\n".join(text).rstrip() + "\n", about


def _line(it: Part, taken: dict[str, Part]) -> str:
    size = f"about {tokens(max(it.tokens, it.covers))}{', its calls and their results' if it.covers else ''}"
    line = f"- {code(it.name)}: {size}"
    n = 2
    while line in taken:
        line, n = f"- {code(it.name)} ({n}): {size}", n + 1
    return line


def _chart(it: Window) -> list[str]:
    sums = {name: sum(one.tokens for one in it.parts if one.kind == kind) for kind, name in _NAMES.items()}
    rows = [*((name, n) for name, n in sums.items() if n), ("Free", it.free)]
    wide = max(len(name) for name, _ in rows)
    most = max(it.limit, it.used, 1)
    return [f"{name:<{wide}} {tokens(n):>6} {'█' * round(BAR * n / most) or '▏'}" for name, n in rows]
