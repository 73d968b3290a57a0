"""The hooks of one settings file: read one by one, so that one that is wrong takes no other with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast

from pydantic import ValidationError

from claw_lsp.core.hooks.choosing import FILE_CHANGED, faulty
from claw_lsp.core.json_edit import Keys
from claw_lsp.core.policy.rules import read
from claw_lsp.facts.hook import FIRED, NOT_YET, TOOL_EVENTS, Hook

_OURS = frozenset(
    {"event", "matcher", "source", "file", "line", "condition", *(it for it in Hook.model_fields if "_" in it)}
)
"""Names that stand around a handler, or that only our own code calls so."""


_OUT = "It is left out."


@dataclass(frozen=True, slots=True)
class Found:
    """One handler, or what is wrong where one was looked for; `asked` is the name and the content that an approval is
    bound to. A handler with a `remark` stays in force."""

    at: Keys
    hook: Hook | None = None
    remark: str = ""
    asked: tuple[str, Any] = ("", None)


def found_in(hooks: Any) -> Iterator[Found]:
    """Everything that stands under `hooks`."""
    if not isinstance(hooks, dict):
        shape = '{"PostToolUse": [{"matcher": "Edit", "hooks": […]}]}'
        yield Found(("hooks",), remark=f"hooks: expected an object such as {shape}. {_OUT}")
        return
    for event, groups in cast("dict[str, Any]", hooks).items():
        at: Keys = ("hooks", event)
        if event not in FIRED and event not in NOT_YET:
            alike = get_close_matches(event, FIRED, 1)
            meant = f"; did you mean {alike[0]}?" if alike else "."
            yield Found(at, remark=f"hooks.{event}: there is no such event{meant} {_OUT}")
        elif not isinstance(groups, list):
            yield Found(at, remark=f"hooks.{event}: expected a list of groups, each with hooks. {_OUT}")
        else:
            if event in NOT_YET:
                never = "claw-lsp does not have this event yet, so these hooks never run."
                yield Found(at, remark=f"hooks.{event}: {never}")
            for n, group in enumerate(cast("list[Any]", groups)):
                yield from _of_group(event, group, (*at, n))


def _of_group(event: str, group: Any, at: Keys) -> Iterator[Found]:
    facts = cast("dict[str, Any]", group) if isinstance(group, dict) else {}
    handlers, matcher = facts.get("hooks"), facts.get("matcher") or ""
    if not isinstance(handlers, list):
        yield Found(
            at, remark=f'hooks.{event}: expected {{"matcher": "…", "hooks": [{{"type": "command", …}}]}}. {_OUT}'
        )
        return
    literal = event == FILE_CHANGED  # Names of files, whatever is in them.
    if why := ("" if literal else faulty(matcher)) if isinstance(matcher, str) else "expected a text":
        yield Found((*at, "matcher"), remark=f"hooks.{event}.matcher: {why}. Nothing matches it. {_OUT}")
        return
    assert isinstance(matcher, str)
    others = {name: it for name, it in facts.items() if name != "hooks"}
    for n, handler in enumerate(cast("list[Any]", handlers)):
        asked = (f"hook {event}", {**others, "hook": handler})
        yield _of_handler(event, matcher, handler, (*at, "hooks", n), asked)


def _of_handler(event: str, matcher: str, handler: Any, at: Keys, asked: tuple[str, Any]) -> Found:
    where = f"hooks.{event}"
    if not isinstance(handler, dict):
        return Found(at, remark=f"{where}: expected an object with type and what that needs. {_OUT}")
    facts = cast("dict[str, Any]", handler)
    try:
        given = {name: it for name, it in facts.items() if name not in _OURS}
        hook = Hook.model_validate({**given, "event": event, "matcher": matcher})
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        inside = tuple(it for it in first["loc"] if it in facts)
        wrong = first["msg"].removeprefix("Value error, ").replace("Input should be", "expected", 1)
        return Found((*at, *inside), remark=f"{'.'.join((where, *map(str, first['loc'])))}: {wrong}. {_OUT}")
    return Found(at, hook, _remark(hook, where), asked)


def _remark(hook: Hook, where: str) -> str:
    """What is odd about a hook that can be read."""
    if hook.shell == "powershell":
        return f"{where}: claw-lsp runs hooks in bash; this one asks for powershell and never runs."
    if hook.condition and hook.event not in TOOL_EVENTS:
        return f'{where}: "if" counts for events about a tool only, and is not looked at here.'
    if hook.condition and read(hook.condition) is None:
        return f'{where}: "if" is no permission rule such as Bash(git push *), so the hook runs for every call.'
    return ""
