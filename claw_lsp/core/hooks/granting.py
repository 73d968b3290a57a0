"""What a hook that answers for the person lets hold beyond the call (`updatedPermissions`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from claw_lsp.facts.rule import Behavior, Mode, Rule

_MODES: Mapping[object, Mode] = {it.value: it for it in (Mode.DEFAULT, Mode.ACCEPT_EDITS, Mode.PLAN, Mode.DONT_ASK)}
"""A mode that judges in the person's place is chosen by the person alone."""
_BEHAVIORS: Mapping[object, Behavior] = {"allow": "allow", "ask": "ask", "deny": "deny"}


@dataclass(frozen=True, slots=True)
class Grant:
    """A mode, or rules; `kept`: they are to be written into the folder's local settings."""

    mode: Mode | None = None
    rules: tuple[Rule, ...] = ()
    kept: bool = False


def grants(entries: Iterable[Mapping[str, Any]]) -> tuple[Grant, ...]:
    """What of the entries is granted; what is none, or not a hook's to grant, is left out."""
    found: list[Grant] = []
    for it in entries:
        behavior, rules = _BEHAVIORS.get(_plain(it.get("behavior"))), it.get("rules")
        if it.get("type") == "setMode" and (mode := _MODES.get(_plain(it.get("mode")))):
            found.append(Grant(mode=mode))
        elif it.get("type") == "addRules" and behavior and isinstance(rules, list):
            texts = [text for rule in cast("list[Any]", rules) if (text := _text(rule))]
            made = tuple(Rule(text=text, behavior=behavior, source="a hook") for text in texts)
            found.append(Grant(rules=made, kept=it.get("destination") == "localSettings"))
    return tuple(found)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else ""


def _text(rule: object) -> str:
    """A rule as hooks write it, `{"toolName", "ruleContent"}`; "" for what is none."""
    facts = cast("dict[str, Any]", rule) if isinstance(rule, dict) else {}
    name, content = _plain(facts.get("toolName")).strip(), facts.get("ruleContent")
    if not name or not isinstance(content, str | None):
        return ""
    text = f"{name}({content})" if content else name
    return text if text.isprintable() else ""
