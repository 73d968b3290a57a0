"""What a hook that answers for the person lets hold beyond the call (`updatedPermissions`), and what it is offered for that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from claw_lsp.facts.plan import Choice
from claw_lsp.facts.question import SESSION
from claw_lsp.facts.rule import Behavior, Kept, Mode, Rule

SOURCE = "a hook"
"""Where a rule comes from that a hook added to a session."""

_MODES: Mapping[object, Mode] = {it.value: it for it in (Mode.DEFAULT, Mode.ACCEPT_EDITS, Mode.PLAN, Mode.DONT_ASK)}
"""A mode that judges in the person's place is chosen by the person alone."""
_BEHAVIORS: Mapping[object, Behavior] = {"allow": "allow", "ask": "ask", "deny": "deny"}
_KEPT: Mapping[object, Kept] = {"localSettings": "local", "projectSettings": "project", "userSettings": "user"}
_RULE = re.compile(r"(?P<toolName>[^()]+)(?:\((?P<ruleContent>.*)\))?")
_PLAIN_FOLDER = re.compile(r"(?:/|~/)[^*?\[\]{}!()\\]*")


@dataclass(frozen=True, slots=True)
class Grant:
    """A mode, or rules: `added` ones, and `removed` ones; with `replaces` everything of that behavior is removed first. They
    are written into the settings of `kept`, or hold for the session."""

    mode: Mode | None = None
    added: tuple[Rule, ...] = ()
    removed: tuple[Rule, ...] = ()
    replaces: Behavior | None = None
    kept: Kept | None = None

    def takes(self, rule: Rule) -> bool:
        """Whether a rule that is in force is taken back. What asks or denies stays, unless a hook brought it: no answer of the
        person's to a call would take it back."""
        meant = rule.behavior == self.replaces or (rule.text, rule.behavior) in {
            (it.text, it.behavior) for it in self.removed
        }
        return meant and (rule.behavior == "allow" or rule.source == SOURCE)


def grants(entries: Iterable[Mapping[str, Any]]) -> tuple[Grant, ...]:
    """What of the entries is granted; what is none, or not a hook's to grant, is left out."""
    return tuple(it for entry in entries if (it := _grant(entry)) is not None)


def suggestions(rules: Sequence[str], choices: Sequence[Choice], mode: Mode) -> list[dict[str, Any]]:
    """What the person's own answers to a question would let hold, as entries that a hook may answer with."""
    found: list[dict[str, Any]] = []
    if read := [it.groupdict() for rule in rules if (it := _RULE.fullmatch(rule))]:
        texts = [{name: value for name, value in it.items() if value is not None} for it in read]
        found.append({"type": "addRules", "rules": texts, "behavior": "allow", "destination": "localSettings"})
    elif mode is Mode.DEFAULT and any(it.key == SESSION for it in choices):
        found.append({"type": "setMode", "mode": Mode.ACCEPT_EDITS.value, "destination": "session"})
    return found


def _grant(entry: Mapping[str, Any]) -> Grant | None:
    kept = _KEPT.get(_plain(entry.get("destination")))
    match _plain(entry.get("type")):
        case "setMode":
            mode = _MODES.get(_plain(entry.get("mode")))
            return Grant(mode=mode) if mode else None
        case "addRules":
            added = _rules(entry)
            return Grant(added=added, kept=kept) if added else None
        case "removeRules":
            removed = _rules(entry)
            return Grant(removed=removed, kept=kept) if removed else None
        case "replaceRules":
            behavior = _BEHAVIORS.get(_plain(entry.get("behavior")))
            whole = behavior is not None and isinstance(entry.get("rules"), list)
            return Grant(added=_rules(entry), replaces=behavior, kept=kept) if whole else None
        case "addDirectories":
            folders = _folders(entry)
            return Grant(added=folders, kept=kept) if folders else None
        case "removeDirectories":
            folders = _folders(entry)
            return Grant(removed=folders, kept=kept) if folders else None
        case _:
            return None


def _rules(entry: Mapping[str, Any]) -> tuple[Rule, ...]:
    behavior, rules = _BEHAVIORS.get(_plain(entry.get("behavior"))), entry.get("rules")
    if behavior is None or not isinstance(rules, list):
        return ()
    texts = (_text(it) for it in cast("list[Any]", rules))
    return tuple(Rule(text=it, behavior=behavior, source=SOURCE) for it in texts if it)


def _folders(entry: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Folders as the rules that let what is in them be read: changing it is asked about as before."""
    named = entry.get("directories")
    texts = [_plain(it).rstrip("/") for it in cast("list[Any]", named)] if isinstance(named, list) else []
    plain = [it for it in texts if it.isprintable() and _PLAIN_FOLDER.fullmatch(it)]
    rules = (f"Read(/{it}/**)" if it.startswith("/") else f"Read({it}/**)" for it in plain)
    return tuple(Rule(text=it, behavior="allow", source=SOURCE) for it in rules)


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
