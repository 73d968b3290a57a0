"""Which hooks run for something that happens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from claw_lsp.core.hooks.regex import BadPattern, compiled, found
from claw_lsp.core.policy.matching import touches
from claw_lsp.facts.hook import Hook
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.rule import Rule
from claw_lsp.facts.scene import Ground
from claw_lsp.facts.settings import Settings

_EXACT = re.compile(r"[A-Za-z0-9_\- ,|]*")
_SEPARATOR = re.compile(r"[,|]")
FILE_CHANGED = "FileChanged"
_SECONDS = {"command": 600.0, "http": 600.0, "mcp_tool": 600.0, "prompt": 30.0, "agent": 60.0}
_SECONDS_OF_EVENT = {
    "UserPromptSubmit": 30.0,
    "PreModelSwitch": 30.0,
    "PostModelSwitch": 30.0,
    "SessionEnd": 1.5,
    "MessageDisplay": 10.0,
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something hooks are run for. `about` is what matchers are held against, `given` what hooks are told beside what they
    always are; `plan` and `ground` are there where it is about a call."""

    event: str
    about: str = ""
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])
    call_id: str = ""
    plan: Plan | None = None
    ground: Ground | None = None


def chosen(settings: Settings, occasion: Occasion) -> tuple[Hook, ...]:
    """The hooks that run, in the order of the settings; of identical ones the first."""
    them = [it for it in settings.hooks if it.event == occasion.event and _is_for(it, occasion.about)]
    found: dict[str, Hook] = {}
    for it in them:
        if _concerns(it, occasion):
            found.setdefault(_same(it), it)
    return tuple(found.values())


def faulty(matcher: str) -> str:
    """What is wrong with a matcher, "" where nothing is."""
    try:
        if not _EXACT.fullmatch(matcher):
            compiled(matcher)
    except BadPattern as error:
        return str(error)
    return ""


def watched_names(settings: Settings) -> tuple[str, ...]:
    """The names of files whose changes FileChanged hooks want to hear of."""
    found = [it for hook in settings.hooks if hook.event == FILE_CHANGED for it in _names(hook.matcher)]
    return tuple(dict.fromkeys(found))


def names_meant(matcher: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that a matcher means."""
    return tuple(it for it in names if _means(matcher, it))


def seconds(hook: Hook) -> float:
    """How long a hook may take."""
    default = _SECONDS_OF_EVENT.get(hook.event, _SECONDS[hook.type])
    allowed = hook.timeout or min(default, _SECONDS[hook.type])
    return min(allowed, 60.0) if hook.event == "SessionEnd" else allowed


def _is_for(hook: Hook, about: str) -> bool:
    if hook.event != FILE_CHANGED:
        return _means(hook.matcher, about)
    names = _names(hook.matcher)
    return not names or about in [it.rsplit("/", 1)[-1] for it in names]


def _names(matcher: str) -> tuple[str, ...]:
    """The names in a list of file names, which are no patterns; none for one that means every file that is watched."""
    return tuple(it.strip() for it in matcher.split("|") if it.strip() not in ("", "*"))


def _means(matcher: str, about: str) -> bool:
    """A list of names means each of them and nothing else; any other text is searched for as a pattern. One that cannot be
    read means nothing: it was said where it stands."""
    if matcher.strip() in ("", "*"):
        return True
    if _EXACT.fullmatch(matcher):
        return about in [it.strip() for it in _SEPARATOR.split(matcher)]
    try:
        return found(matcher, about)
    except BadPattern:
        return False


def _concerns(hook: Hook, occasion: Occasion) -> bool:
    """Whether the rule of `if` may mean the call: one that cannot be told runs the hook, which then can look itself."""
    if not hook.condition or occasion.plan is None or occasion.ground is None:
        return True
    rule = Rule(text=hook.condition, behavior="ask", source=hook.source)
    return touches(rule, (rule,), occasion.plan, occasion.ground) is not None


def _same(hook: Hook) -> str:
    return hook.model_copy(
        update={"source": "", "file": "", "line": 0, "matcher": "", "condition": ""}
    ).model_dump_json()
