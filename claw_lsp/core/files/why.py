"""Why a permission rule decided so: what it means, whether it counts, what it decided, which rules are stronger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from claw_lsp.core.chat.writer import code
from claw_lsp.core.files.rule_words import in_words
from claw_lsp.core.policy.rules import read
from claw_lsp.core.rules_page import BEHAVIORS, DONE, Listed
from claw_lsp.core.words import counted
from claw_lsp.facts.event import CallJudged, Entry
from claw_lsp.facts.rule import Behavior

MOST = 200
"""Decisions that a page shows, the newest ones."""


def named(rules: Iterable[Listed], text: str, behavior: Behavior, file: str) -> Listed | None:
    """The rule in force that is written so in this file."""
    return next((it for it in rules if (it.rule.text, it.rule.behavior, it.rule.file) == (text, behavior, file)), None)


def stronger(rules: Iterable[Listed], text: str, behavior: Behavior) -> tuple[Listed, ...]:
    """The rules that are asked before this one and may be about the same tool."""
    mine = read(text)
    tool = mine.tool if mine else text
    before = BEHAVIORS[: BEHAVIORS.index(behavior)]
    return tuple(it for it in rules if it.rule.behavior in before and _same_tool(it.rule.text, tool))


def in_short(
    rules: Sequence[Listed], text: str, behavior: Behavior, file: str, when: Callable[[float], str], otherwise: str
) -> str:
    """For a hover: whether the rule counts, what it last decided, and what comes before it, as Markdown. `otherwise` is why it
    may not count."""
    it = named(rules, text, behavior, file)
    if it is None:
        lines = [f"It does not count now: {otherwise}."]
    else:
        lines = [f"It counts, from the {it.rule.source} settings."]
        if it.last is not None:
            done = DONE.get(it.last.decision, it.last.decision)
            last = f"the last {done} at {when(it.last.at)}: {code(it.last.title)}"
            lines.append(f"In this session it decided {counted(it.n, 'call')}, {last}.")
        else:
            lines.append("In this session it decided nothing yet.")
    if first := stronger(rules, text, behavior):
        named_ = ", ".join(f"{one.rule.behavior} {code(one.rule.text)} ({one.rule.source})" for one in first[:5])
        lines.append(f"Asked before it: {named_}{f' and {len(first) - 5} more' if len(first) > 5 else ''}.")
    return "\n\n".join(lines)


def page(
    rules: Sequence[Listed], it: Listed, place: str, entries: Sequence[Entry], when: Callable[[float], str]
) -> str:
    """The rule and every call of the session that it decided, as a document. `place` says where it stands."""
    decided = [
        (one.at, one.event) for one in entries if isinstance(one.event, CallJudged) and one.event.rule == it.rule.text
    ]
    lines = [
        f"# {it.rule.behavior.capitalize()} {code(it.rule.text)}",
        "",
        in_words(it.rule.text, it.rule.behavior),
        "",
    ]
    lines += [f"It stands in {place} ({it.rule.source}).", "", "## What it decided in this session", ""]
    for at, event in decided[-MOST:]:
        because = f": {event.reason}" if event.reason else ""
        lines.append(f"- {when(at)} {DONE.get(event.decision, event.decision)} {code(event.title)}{because}")
    lines += ["" if decided else "Nothing yet."]
    if first := stronger(rules, it.rule.text, it.rule.behavior):
        lines += ["", "## Asked before it, about the same tool", ""]
        lines += [f"- {one.rule.behavior} {code(one.rule.text)} ({one.rule.source})" for one in first]
    lines += [
        "",
        "Deny comes before ask, and ask before allow, whatever the order of the rules and wherever they stand.",
    ]
    return "\n".join(lines) + "\n"


def _same_tool(text: str, tool: str) -> bool:
    other = read(text)
    if other is None:
        return False
    return other.tool == tool or "*" in other.tool or tool.startswith(f"{other.tool}__")
