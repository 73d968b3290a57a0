"""Values are put into JSON files and taken out of them, and nothing else in the text moves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from claw_lsp.core.json_edit import put, removed
from claw_lsp.facts.fault import ClawError

WRITTEN = '{\n    "a": {"b": 1,  "c": [1,2]},\n\n    "mcpServers": {\n        "x": {"command": "é"}\n    }\n}\n'


def test_an_entry_is_put_at_the_end_as_the_file_is_indented() -> None:
    assert put(WRITTEN, ("mcpServers", "y"), {"command": "n", "args": ["1"]}) == snapshot("""\
{
    "a": {"b": 1,  "c": [1,2]},

    "mcpServers": {
        "x": {"command": "é"},
        "y": {
            "command": "n",
            "args": [
                "1"
            ]
        }
    }
}
""")


def test_what_is_missing_around_it_is_made() -> None:
    assert put("", ("projects", "/p", "off"), ["x"]) == snapshot("""\
{
  "projects": {
    "/p": {
      "off": [
        "x"
      ]
    }
  }
}
""")
    assert put('{"a": 1}', ("b",), 2) == '{"a": 1,\n  "b": 2}'


def test_a_value_that_is_there_is_replaced_in_its_place() -> None:
    assert put('{"a" : [1], "b": {"c": 2}}', ("a",), None) == '{"a" : null, "b": {"c": 2}}'


def test_an_entry_goes_with_its_comma_and_comes_back() -> None:
    with_y = put(WRITTEN, ("mcpServers", "y"), {"command": "n"})
    assert removed(with_y, ("mcpServers", "y")) == WRITTEN
    assert removed('{"a": {"x": 1, "y": 2}}', ("a", "x")) == '{"a": {"y": 2}}'
    assert removed('{"a": { "x": 1 }}', ("a", "x")) == '{"a": {}}'


@pytest.mark.parametrize(
    ("text", "keys"),
    [("{", ("a",)), ("[]", ("a",)), ('{"a": 1}', ("a", "b"))],
)
def test_a_text_that_cannot_keep_the_rest_is_left(text: str, keys: tuple[str, ...]) -> None:
    with pytest.raises(ClawError):
        put(text, keys, 1)


def test_what_is_not_there_cannot_be_taken_out() -> None:
    for text in ("{}", '{"a": 1}', '{"a": {}}', ""):
        with pytest.raises(ClawError, match="does not stand there"):
            removed(text, ("a", "b"))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda it: st.lists(it, max_size=3) | st.dictionaries(st.text(max_size=4), it, max_size=3),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(st.sampled_from(["a", "b", 'q"', ""]), _VALUES, max_size=3)


@given(
    _OBJECTS,
    st.lists(st.sampled_from(["a", "b", 'q"', ""]), min_size=1, max_size=3),
    _VALUES,
    st.sampled_from([None, 1, "\t"]),
)
def test_whatever_stands_there_the_rest_is_what_it_was(
    data: dict[str, Any], way: list[str], value: Any, indent: Any
) -> None:
    text, keys = json.dumps(data, indent=indent), tuple(way)
    try:
        after = put(text, keys, value)
    except ClawError:
        inner: Any = data
        for key in keys[:-1]:
            inner = inner.get(key, {})
            if not isinstance(inner, dict):
                return
        raise
    inner = wanted = json.loads(text)
    for key in keys[:-1]:
        inner = inner.setdefault(key, {})
    inner[keys[-1]] = value
    assert json.loads(after) == wanted
    del inner[keys[-1]]
    assert json.loads(removed(after, keys)) == wanted
