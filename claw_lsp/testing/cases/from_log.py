"""A session's log as a case file: a bug report that can be played.

The model's replies, what the person asked and answered, and the files as far as the log knows them. What a log does not
hold (typing, moments, the machine) is not in it; the case ends before the first turn that it cannot tell, and says so.
Credentials are taken out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any

from claw_lsp.core.policy.alike import ENOUGH
from claw_lsp.core.redaction import redacted_within
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Call, calls_in, text_in
from claw_lsp.facts.event import (
    CallFinished,
    CallJudged,
    Entry,
    LimitRaised,
    ModeChanged,
    ModelSpoke,
    RuleAdded,
    SessionStarted,
    Steered,
    TurnEnded,
    UserSpoke,
)
from claw_lsp.facts.fault import BadRequest
from claw_lsp.testing.cases.case import file_part
from claw_lsp.testing.cases.files_known import files_known
from claw_lsp.testing.cases.places import Places
from claw_lsp.testing.cases.showing import printable, transcript

_TOLD = (
    SessionStarted,
    UserSpoke,
    ModelSpoke,
    CallJudged,
    CallFinished,
    RuleAdded,
    ModeChanged,
    LimitRaised,
    TurnEnded,
)
"""Facts that a script tells or that follow from it."""
_ASIDE = frozenset(
    """checkpointed noted instructed titled reopened forked rule_removed model_changed file_moved hunk_kept hunk_undone proposal_applied
    proposal_dismissed""".split()
)
"""Kinds of facts without which the rest goes on as it did, but for what the model is told of them."""
_USUAL_STOP = {True: "tool_use", False: "end_turn"}
_SAID = " They said: "
_PLAN_ANSWERS = {"acceptEdits": "Approve and accept edits", None: "Keep planning"}
_PLACES = Places(Path("/case"))


def case_of(entries: Sequence[Entry]) -> str:
    """The text of the case file. Raises BadRequest where not even the first turn can be told."""
    entries = _told_apart([Entry.model_validate(redacted_within(it.model_dump(mode="python"))) for it in entries])
    whole, why = _whole_turns(entries)
    if not any(isinstance(it.event, UserSpoke) for it in whole):
        raise BadRequest(f"No case can be made of this session: {why or 'nothing was asked in it'}.")
    told = [it for it in whole if isinstance(it.event, _TOLD)]
    n_left_out = len(whole) - len(told)
    notes = [f"It leaves out {counted(n_left_out, 'fact')} that no script tells."] if n_left_out else []
    notes += [f"The log goes on: {why}."] if why else []
    started = next(it.event for it in told if isinstance(it.event, SessionStarted))
    spoken = next(it.event for it in told if isinstance(it.event, UserSpoke))
    title = "\n".join([f"From a log: {_line(spoken.text)}", *notes])
    parts = [("log", f"claw-lsp {started.version}, {started.model}, {counted(len(told), 'fact')}\n")]
    if settings := _settings(told, started):
        parts.append(("settings", f"{json.dumps(settings, ensure_ascii=False)}\n"))
    parts += [file_part(it.name, it.text, it.marks) for it in files_known(told, started.cwd)]
    parts += [("script", "".join(f"{it}\n" for it in _script(told)))]
    parts += [("transcript", printable(_PLACES.plain(transcript([told], _PLACES))))]
    return f"{title}\n" + "".join(f"-- {head} --\n{text}" for head, text in parts)


def _told_apart(entries: Sequence[Entry]) -> list[Entry]:
    """The entries with calls numbered as scripts number them, and with the working directory where cases have it."""
    started = next((it.event for it in entries if isinstance(it.event, SessionStarted)), None)
    calls = [call.id for it in entries if isinstance(it.event, ModelSpoke) for call in calls_in(it.event.blocks)]
    ids = {id_: f"c{n}" for n, id_ in enumerate(dict.fromkeys(calls), 1)}
    cwd = started.cwd if started else ""
    renamed = [(re.compile(rf"{re.escape(cwd)}(?=[/\s\"'`:;,.)]|$)"), str(_PLACES.workspace))] if len(cwd) > 1 else []
    renamed += [(re.compile(rf"\b{re.escape(old)}\b"), new) for old, new in ids.items() if len(old) > 4]
    return [Entry.model_validate(_renamed(it.model_dump(mode="python"), renamed)) for it in entries]


def _renamed(value: Any, renamed: Sequence[tuple[re.Pattern[str], str]]) -> Any:
    match value:
        case str():
            for old, new in renamed:
                value = old.sub(new, value)
            return value
        case dict():
            return {_renamed(key, renamed): _renamed(it, renamed) for key, it in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case list() | tuple():
            return [_renamed(it, renamed) for it in value]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


def _whole_turns(entries: Sequence[Entry]) -> tuple[list[Entry], str]:
    """The turns from the beginning on that can be told whole, and why no more."""
    whole: list[Entry] = []
    turn: list[Entry] = []
    for it in entries:
        if why := _untold(it, first=not whole and not turn):
            return whole, f"fact {it.n} {why}"
        turn.append(it)
        if isinstance(it.event, TurnEnded):
            whole, turn = [*whole, *turn], []
    if any(isinstance(it.event, UserSpoke) for it in turn):
        return whole, "the last turn has no end"
    return [*whole, *turn], ""


def _untold(entry: Entry, *, first: bool) -> str:
    """Why a script cannot tell this fact; "" where it can, or where it is left out."""
    event = entry.event
    match event:
        case SessionStarted() if not first:
            return "begins the session anew"
        case ModelSpoke() if event.recovered:
            return "was written when a crash was found"
        case ModelSpoke():
            odd = [
                it["type"]
                for it in event.blocks
                if it["type"] not in ("text", "thinking", "redacted_thinking", "tool_use")
            ]
            odd += [it.name for it in calls_in(event.blocks) if not re.fullmatch(r"[A-Z]\w*", it.name)]
            return f"holds {odd[0]}" if odd else ""
        case TurnEnded() if event.stopped == "interrupted":
            return "ends a turn that was interrupted"
        case CallJudged() if event.by in ("classifier", "hook"):
            return f"was decided by a {event.by}, which no script plays"
        case Steered():
            return "was said while the turn ran"
        case _:
            return "" if event.kind in _ASIDE or isinstance(event, _TOLD) else f"({event.kind}) is told by no script"


def _settings(told: Sequence[Entry], started: SessionStarted) -> dict[str, Any]:
    """What the log shows of the settings: the mode, rules that decided and were not added on the way, limits."""
    rules: dict[str, list[str]] = {}
    added = {it.event.rule.text for it in told if isinstance(it.event, RuleAdded)}
    for event in (it.event for it in told):
        if isinstance(event, CallJudged) and event.by == "rule" and event.rule and event.rule not in added:
            behavior = event.decision if event.decision in ("allow", "deny") else "ask"
            if event.rule not in rules.setdefault(behavior, []):
                rules[behavior].append(event.rule)
    permissions: dict[str, Any] = dict(rules)
    if started.mode.value != "default":
        permissions["defaultMode"] = started.mode.value
    settings: dict[str, Any] = {"permissions": permissions} if permissions else {}
    if any(isinstance(it.event, CallJudged) and it.event.by == "review" for it in told):
        settings["review"] = "before"
    spoken = next(it.event for it in told if isinstance(it.event, UserSpoke))
    if any(it.name == "TodoWrite" for it in started.tools):
        settings["todoWrite"] = True
    limits = {"maxTurns": spoken.max_turns, "maxCost": spoken.max_cost}
    return settings | {name: it for name, it in limits.items() if it is not None}


@dataclass(slots=True)
class _Told:
    """What the script's lines depend on as they are written."""

    calls: dict[str, Call] = field(default_factory=dict[str, Call])
    judged: Mapping[str, CallJudged] = field(default_factory=dict[str, CallJudged])
    results: Mapping[str, CallFinished] = field(default_factory=dict[str, CallFinished])
    widened: str = ""
    reply: tuple[Call, ...] = ()
    answered: set[str] = field(default_factory=set[str])
    """Calls that an answer to one before them was for, too."""


def _script(told: Sequence[Entry]) -> Iterator[str]:
    results = {it.event.call_id: it.event for it in told if isinstance(it.event, CallFinished)}
    judged = {it.event.call_id: it.event for it in told if isinstance(it.event, CallJudged)}
    so_far = _Told(judged=judged, results=results)
    for event in (it.event for it in told):
        match event:
            case UserSpoke():
                yield from _asked(event.text)
            case ModelSpoke():
                so_far.reply = calls_in(event.blocks)
                so_far.calls |= {it.id: it for it in so_far.reply}
                yield from _reply(event)
            case RuleAdded():
                so_far.widened = "always" if event.stored_in else "session"
            case ModeChanged():
                so_far.widened = "session"
            case CallJudged() if event.by == "person" and event.call_id not in so_far.answered:
                so_far.answered.update(_alike(event, so_far))
                yield from _answer(event, so_far)
            case LimitRaised():
                yield "human: yes"
            case TurnEnded():
                if event.stopped == "limit" and " reached its limit of " in event.why:
                    yield "human: no"
                elif event.stopped == "failed" and not event.by_loop:
                    yield "model:"
                    yield f"  error api_error: {_line(event.why)}"
            case _:
                continue


def _asked(text: str) -> Iterator[str]:
    if text == text.strip() and "\n" not in text and text and not text.startswith("/"):
        yield f"user: {text}"
    else:
        yield "user:"
        yield f"  {json.dumps({'prompt': text}, ensure_ascii=False)}"


def _reply(event: ModelSpoke) -> Iterator[str]:
    first, *more = text_in(event.blocks).strip("\n").split("\n")
    yield f"model: {first}".rstrip()
    yield from (f"  | {it}" for it in more)
    for block in event.blocks:
        if block["type"] == "thinking" and block.get("thinking"):
            yield f"  thinks: {_line(block['thinking'])}"
        elif block["type"] == "tool_use":
            yield f"  {block['name']} {json.dumps(_relative(block['input']), ensure_ascii=False)}"
    calls = bool(calls_in(event.blocks))
    if event.cut:
        yield "  cut"
    elif event.stop_reason and event.stop_reason != _USUAL_STOP[calls]:
        yield f"  stop: {event.stop_reason}"


def _answer(event: CallJudged, so_far: _Told) -> Iterator[str]:
    """The person's answer to the question about a call; questions of a tool's own are answered with what came of them."""
    widened, so_far.widened = so_far.widened, ""
    call, result = so_far.calls.get(event.call_id), so_far.results.get(event.call_id)
    if call is not None and result is not None and call.name == "AskUserQuestion" and event.decision == "allow":
        answers: dict[str, Any] = json.loads(str(result.result.content)).get("answers", {})
        yield from (f"human: answer {it}" for it in answers.values())
    elif call is not None and call.name == "ExitPlanMode" and event.decision == "allow":
        mode = result.result.mode if result is not None else None
        yield f"human: answer {_PLAN_ANSWERS.get(mode, 'Approve')}"
    elif event.decision == "allow":
        yield f"human: {widened or 'yes'}{f', {_line(event.reason)}' if event.reason else ''}"
    else:
        said = event.reason.partition(_SAID)[2]
        yield f"human: {'always' if widened == 'always' else 'no'}{f', {_line(said)}' if said else ''}"


def _alike(event: CallJudged, so_far: _Told) -> list[str]:
    """The calls behind this one in the same reply that one question was for: enough of the same tool, all answered as it."""
    behind = list(dropwhile(lambda it: it.id != event.call_id, so_far.reply))

    def same(call: Call) -> bool:
        verdict = so_far.judged.get(call.id)
        alike = verdict is not None and (verdict.by, verdict.decision) == (event.by, event.decision)
        return call.name == behind[0].name and alike

    together = [it.id for it in takewhile(same, behind)]
    return together[1:] if len(together) >= ENOUGH else []


def _relative(value: Any) -> Any:
    """Paths in the workspace as they are written in a case."""
    here = re.escape(str(_PLACES.workspace))
    return _renamed(value, [(re.compile(rf"{here}/"), ""), (re.compile(rf"{here}\b"), ".")])


def _line(text: str) -> str:
    return " ".join(text.split())
