"""A rule in the text of a settings file: where it stands, and the text without it or with it elsewhere. Nothing else moves."""

from __future__ import annotations

import json
from typing import Any, cast

from claw_lsp.core.json_edit import Container, containers
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.rule import Behavior


def lines(text: str) -> dict[tuple[Behavior, str], int]:
    """The line (from 1) on which each rule stands; nothing for a text that is no settings file."""
    found: dict[tuple[Behavior, str], int] = {}
    try:
        _parsed(text)
    except ClawError:
        return found
    objects = containers(text)
    behaviors: tuple[Behavior, ...] = ("deny", "ask", "allow")
    for behavior in behaviors:
        here = objects.get(("permissions", behavior))
        for start, end in here.entries if here and not here.in_object else ():
            rule = json.loads(text[start:end])
            if isinstance(rule, str):
                found[behavior, rule.strip()] = text.count("\n", 0, start) + 1
    return found


def changed(text: str, behavior: Behavior, rule: str, to: Behavior | None) -> str:
    """The text with this rule in another list, or in none. Raises ClawError where it does not stand there, or the text cannot be
    changed without touching anything else."""
    wanted = _expected(_parsed(text), behavior, rule, to)
    after = text
    while (entry := _place(after, behavior, rule)) is not None:
        after = entry[0].without(after, entry[1])
    if to is not None and rule not in _rules(_parsed(after), to):
        after = _with(after, to, rule)
    if after == text or _parsed(after) != wanted:
        raise ClawError(f"The rule {rule} cannot be changed there without touching more; change the file by hand.")
    return after


def _parsed(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ClawError(f"The settings file is not valid JSON ({error}); mend it first.") from error
    if not isinstance(data, dict):
        raise ClawError("The settings file holds no JSON object; mend it first.")
    return cast("dict[str, Any]", data)


def _rules(data: dict[str, Any], behavior: Behavior) -> list[Any]:
    permissions = data.get("permissions")
    found: Any = cast("dict[str, Any]", permissions).get(behavior) if isinstance(permissions, dict) else None
    return (
        [it.strip() if isinstance(it, str) else it for it in cast("list[Any]", found)]
        if isinstance(found, list)
        else []
    )


def _expected(data: dict[str, Any], behavior: Behavior, rule: str, to: Behavior | None) -> dict[str, Any]:
    if rule not in _rules(data, behavior):
        raise ClawError(f"The rule {rule} does not stand under permissions.{behavior} any more; nothing was changed.")
    found: list[Any] = data["permissions"][behavior]
    data["permissions"][behavior] = [it for it in found if not isinstance(it, str) or it.strip() != rule]
    if to is not None and rule not in _rules(data, to):
        data["permissions"][to] = [*data["permissions"].get(to, []), rule]
    return data


def _place(text: str, behavior: Behavior, rule: str) -> tuple[Container, int] | None:
    """The list, and which of its entries is the rule."""
    here = containers(text).get(("permissions", behavior))
    for n, (start, end) in enumerate(here.entries if here else ()):
        value = json.loads(text[start:end])
        if here is not None and isinstance(value, str) and value.strip() == rule:
            return here, n
    return None


def _with(text: str, behavior: Behavior, rule: str) -> str:
    """With one more entry at the end of the list, which is made where it is missing."""
    objects = containers(text)
    here, written = objects.get(("permissions", behavior)), json.dumps(rule, ensure_ascii=False)
    if here is None:
        around = objects["permissions",]
        first = around.entries[0][0] if around.entries else around.end - 1
        gap, comma = text[around.start + 1 : first], "," if around.entries else ""
        entry = f'{gap}"{behavior}": [{written}]{comma}'
        return text[: around.start + 1] + entry + text[around.start + 1 :]
    if not here.entries:
        return f"{text[: here.start + 1]}{written}{text[here.end - 1 :]}"
    last = here.entries[-1][1]
    gap = text[here.start + 1 : here.entries[0][0]]
    between = f",{gap}" if gap.strip() == "" and "\n" in gap else ", "
    return text[:last] + between + written + text[last:]
