"""The facts behind a line of a chat document: found by writing the log's lines anew and comparing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from claw_lsp.core.chat.writer import Asked, Writer, code
from claw_lsp.core.escape import visible
from claw_lsp.core.render import dollars, duration
from claw_lsp.facts.call import Call, Result, calls_in
from claw_lsp.facts.event import CallFinished, CallJudged, Entry, ModelSpoke, SessionStarted, TurnEnded
from claw_lsp.facts.usage import Usage

LONGEST = 3000
"""Characters of one text that are shown."""
MOST_LINES = 60


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the document, below the answer heading of this number (from 0), and what the log says of it. `finished` is None for a
    call that still runs; `model` is the session's at that time."""

    line: str
    turn: int
    finished: CallFinished | TurnEnded | None = None
    call: Call | None = None
    judged: CallJudged | None = None
    model: str = ""


def told(entries: Iterable[Entry], key: str) -> tuple[Told, ...]:
    """Every line that a call or a turn's end has in the document, in order."""
    writer = Writer(key)
    calls: dict[str, Call] = {}
    judged: dict[str, CallJudged] = {}
    found: list[Told] = []
    turn, model = -1, ""
    for entry in entries:
        event = entry.event
        if isinstance(event, ModelSpoke):
            calls |= {it.id: it for it in calls_in(event.blocks)}
            model = event.model or model
            # The words are not looked for: writing them anew is what would take long.
            blocks = tuple({**it, "text": it["text"].strip()[:1]} if "text" in it else it for it in event.blocks)
            entry = entry.model_copy(update={"event": event.model_copy(update={"blocks": blocks})})
        elif isinstance(event, CallJudged):
            judged[event.call_id] = event
        elif isinstance(event, SessionStarted):
            model = event.model
        written = writer.saw(entry)
        turn += sum(isinstance(it, Asked) for it in written)
        line = _line(written)
        if isinstance(event, CallFinished):
            id_ = event.call_id
            found.append(Told(line, turn, event, calls.get(id_), judged.get(id_), model))
        elif isinstance(event, TurnEnded):
            found.append(Told(line, turn, event, model=model))
    running = writer.running().items()
    return (*found, *(Told(line, turn, None, calls.get(id_), judged.get(id_), model) for id_, line in running))


def behind(lines: Sequence[Told], line: str, turn: int, nth: int = 0) -> Told | None:
    """What is behind a line of the document: the nth such line below the heading; where there is none, the only one of
    the log. Lines are told apart by nothing else, since a person may have moved them."""
    same = [it for it in lines if it.line == line.strip()]
    here = [it for it in same if it.turn == turn]
    if here:
        return here[min(nth, len(here) - 1)]
    return same[0] if len(same) == 1 else None


def of_call(it: Told) -> str:
    """A call's whole input and output, who allowed it and how long it took, as Markdown in which nothing works."""
    parts = [f"**{code(it.call.name)}**" if it.call else "A call"]
    if it.judged is not None:
        parts[0] += f" · {_verdict(it.judged)}"
    if isinstance(it.finished, CallFinished):
        parts[0] += f" · {duration(it.finished.seconds)}"
    else:
        parts[0] += " · still runs"
    parts += [_named(name, value) for name, value in (it.call.input.items() if it.call else ())]
    if isinstance(it.finished, CallFinished):
        result = it.finished.result
        parts += ["Error:" if result.is_error else "Output:", _fenced(_content(result))]
    return "\n\n".join(parts)


def of_end(it: Told, ended: TurnEnded) -> str:
    """What a turn cost: tokens by kind and model, dollars."""
    used = ended.usage or ({it.model: Usage()} if it.model else {})
    parts = [f"**{ended.stopped}** · {dollars(ended.cost)}"]
    for model, usage in used.items():
        kinds = [
            (usage.input_tokens, "read anew"),
            (usage.cache_read_tokens, "from the cache"),
            (usage.cache_write_5m_tokens + usage.cache_write_1h_tokens, "written to the cache"),
            (usage.output_tokens, "written as answer"),
            (usage.web_searches, "web searches"),
        ]
        told = [f"- {n:,} {what}" for n, what in kinds if n or what == "written as answer"]
        parts.append("\n".join([f"{code(model)}, tokens:", "", *told]))
    return "\n\n".join(parts)


def _line(written: Sequence[Asked | str]) -> str:
    """The last line of what a fact adds."""
    texts = [it for it in written if isinstance(it, str)]
    return texts[0].strip().split("\n")[-1] if texts else ""


def _verdict(judged: CallJudged) -> str:
    decided = {"allow": "allowed", "deny": "refused", "fault": "could not be planned"}[judged.decision]
    by = {"person": "you", "reach": "what it can reach", "nobody": "nobody being there to ask"}.get(
        judged.by, judged.by
    )
    if judged.rule:
        by = f"{by} {code(judged.rule)}" if judged.by == "rule" else f"{by}, rule {code(judged.rule)}"
    return f"{decided} by {by}" + (f": {code(judged.reason)}" if judged.reason else "")


def _named(name: str, value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    if "\n" in text or len(text) > 100:
        return f"{code(name)}:\n\n{_fenced(text)}"
    return f"{code(name)}: {code(text)}" if text.strip() else f"{code(name)}: (empty)"


def _content(result: Result) -> str:
    if isinstance(result.content, str):
        return result.content
    return "\n".join(str(it.get("text", f"({it.get('type', 'block')})")) for it in result.content)


def _fenced(text: str) -> str:
    """A text as code that nothing in it can end; a long one is cut in the middle, and says so."""
    shown = visible(text[: 10 * LONGEST].replace("\r\n", "\n").strip("\n"))
    lines = shown.split("\n")
    if len(shown) > LONGEST or len(lines) > MOST_LINES:
        shown = "\n".join(lines[:MOST_LINES])[:LONGEST]
        shown += f"\n… (cut: {len(text):,} characters in all)"
    longest = max((len(it) for it in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{shown}\n{fence}"
