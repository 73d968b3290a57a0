"""Settings files with comments: an entry that is added can be read, and everything else is as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.term.jsonc import NotJson, added, read

KEYS = st.sampled_from(["a", "servers", 'q"{', "// no comment", ""])
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
VALUES = st.recursive(LEAVES, lambda it: st.lists(it, max_size=3) | st.dictionaries(KEYS, it, max_size=3), max_leaves=8)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)
GAPS = st.sampled_from(["", " ", "\n", "\t// } {\n", "/* , { */"])


@st.composite
def written(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An object as a person may have written it: with comments, and commas before the end."""
    value = draw(OBJECTS)
    return draw(GAPS) + _text(draw, value) + draw(GAPS), value


def _text(draw: st.DrawFn, value: Any) -> str:
    def gap() -> str:
        return draw(GAPS)

    match value:
        case dict():
            parts = [f"{gap()}{json.dumps(key)}{gap()}:{gap()}{_text(draw, it)}{gap()}" for key, it in value.items()]
        case list():
            parts = [f"{gap()}{_text(draw, it)}{gap()}" for it in value]
        case _:
            return json.dumps(value)
    last = "," if parts and draw(st.booleans()) else ""
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}{','.join(parts)}{last}{gap()}{closing}"


@given(written())
def test_what_is_written_with_comments_and_commas_is_read(it: tuple[str, dict[str, Any]]) -> None:
    text, value = it
    assert read(text) == value


@given(written(), st.lists(KEYS, min_size=1, max_size=3), VALUES)
def test_an_added_entry_is_there_and_nothing_else_changed(
    it: tuple[str, dict[str, Any]], keys: list[str], new: Any
) -> None:
    text, value = it
    wanted = json.loads(json.dumps(value))
    here = wanted
    for key in keys[:-1]:
        here = here.setdefault(key, {})
        if not isinstance(here, dict):
            with pytest.raises(NotJson):
                added(text, tuple(keys), new)
            return
    if keys[-1] in here:
        return
    here[keys[-1]] = new
    assert read(added(text, tuple(keys), new)) == wanted


@given(st.text(alphabet='{}[],:"/* \na1\\'))
def test_any_text_is_read_or_is_no_json(text: str) -> None:
    try:
        read(text)
    except NotJson as error:
        assert str(error)
