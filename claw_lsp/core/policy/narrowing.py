"""What an agent that an agent starts may do: never more than the one that started it."""

from __future__ import annotations

from dataclasses import dataclass

from claw_lsp.facts.rule import Mode, Rule

_WITHIN = {
    Mode.DEFAULT: frozenset({Mode.DEFAULT, Mode.PLAN, Mode.DONT_ASK}),
    Mode.ACCEPT_EDITS: frozenset({Mode.ACCEPT_EDITS, Mode.DEFAULT, Mode.PLAN, Mode.DONT_ASK}),
    Mode.PLAN: frozenset({Mode.PLAN}),
    Mode.AUTO: frozenset({Mode.AUTO, Mode.DEFAULT, Mode.PLAN, Mode.DONT_ASK}),
    Mode.DONT_ASK: frozenset({Mode.DONT_ASK}),
    Mode.BYPASS: frozenset(Mode),
}
"""The modes that are nowhere laxer than a mode."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The rules and the mode that calls are judged by."""

    rules: tuple[Rule, ...]
    mode: Mode


def narrowed(parent: Authority, wished: Authority) -> Authority:
    """The authority of a child that wishes for rules and a mode of its own, as its description says.

    All of the parent's rules hold; what the child would deny or ask is added, what it would allow is not: who wrote its
    description is not the person. Its mode is the one wished for where that is nowhere laxer, else the parent's.
    """
    stricter = tuple(it for it in wished.rules if it.behavior != "allow")
    mode = wished.mode if wished.mode in _WITHIN.get(parent.mode, frozenset()) else parent.mode
    return Authority((*parent.rules, *stricter), mode)
