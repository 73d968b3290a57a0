"""Laws of changing a rule in the text of a settings file: it goes where it should, and nothing else moves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.core.rule_edit import changed, lines
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.rule import Behavior

RULES = st.lists(st.sampled_from(["Bash", "Bash(ls *)", "Read(ä)", 'Bash("x")', " Edit ", "[", "}", ","]), max_size=4)
OTHERS = st.dictionaries(st.sampled_from(["model", "env", "x"]), st.sampled_from(["a", {"b": [1, {"c": []}]}, []]))
BEHAVIORS = st.sampled_from(["allow", "ask", "deny"])


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    permissions: dict[str, Any] = {it: draw(RULES) for it in draw(st.permutations(["allow", "ask", "deny"]))[:2]}
    return {**draw(OTHERS), "permissions": {**permissions, **draw(OTHERS)}, "last": 1}


@given(files(), BEHAVIORS, st.one_of(BEHAVIORS, st.none()), st.sampled_from([None, 1, 2, "\t"]), st.integers(0, 3))
def test_a_rule_is_moved_or_removed_and_nothing_else_moves(
    data: dict[str, Any], behavior: Behavior, to: Behavior | None, indent: int | str | None, n: int
) -> None:
    text = json.dumps(data, indent=indent, ensure_ascii=False)
    rules: list[str] = data["permissions"].get(behavior, [])
    if not rules or to == behavior:
        return
    rule = rules[n % len(rules)].strip()
    after = json.loads(changed(text, behavior, rule, to))
    kept = [it for it in rules if it.strip() != rule]
    assert after["permissions"].pop(behavior) == kept
    if to is not None:
        before = data["permissions"].pop(to, [])
        added = before if rule in [it.strip() for it in before] else [*before, rule]
        assert after["permissions"].pop(to) == added
    del data["permissions"][behavior]
    assert after == data


@given(files(), st.sampled_from([None, 2]))
def test_every_rule_is_found_on_its_line(data: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(data, indent=indent, ensure_ascii=False)
    found = lines(text)
    for behavior in ("allow", "ask", "deny"):
        for rule in data["permissions"].get(behavior, []):
            assert json.dumps(rule, ensure_ascii=False) in text.split("\n")[found[behavior, rule.strip()] - 1]


def test_the_rest_of_the_text_stays_as_it_is_written() -> None:
    text = '{ "model":"opus",\n\t"permissions": {\n\t\t"deny":  [ "Bash(rm *)",\n\t\t\t"Bash(curl *)" ],  "x": 1 } }\n'
    assert changed(text, "deny", "Bash(rm *)", None) == text.replace('"Bash(rm *)",\n\t\t\t', "")
    moved = '"ask": ["Bash(curl *)"],\n\t\t"deny":  [ "Bash(rm *)" ]'
    expected = text.replace('"deny":  [ "Bash(rm *)",\n\t\t\t"Bash(curl *)" ]', moved)
    assert changed(text, "deny", "Bash(curl *)", "ask") == expected


@pytest.mark.parametrize(
    "text", ["", "[]", '{"permissions": []}', '{"permissions": {"deny": "Bash"}}', "{,}", '{"a": 1}']
)
def test_what_is_not_there_is_not_changed(text: str) -> None:
    with pytest.raises(ClawError):
        changed(text, "deny", "Bash", None)
    assert lines(text) == {}


def test_a_name_that_stands_there_twice_is_not_guessed_at() -> None:
    text = '{"permissions": {"deny": ["Bash"]}, "permissions": {"deny": ["Bash", "Read"]}}'
    assert json.loads(changed(text, "deny", "Bash", None)) == {"permissions": {"deny": ["Read"]}}
