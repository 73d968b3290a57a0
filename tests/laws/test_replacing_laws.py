"""The quick copy of frozen values is the one of the standard library."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.core.replacing import replace
from claw_lsp.core.state import State
from claw_lsp.core.turn import OpenCall, Turn
from claw_lsp.facts.call import Call
from claw_lsp.facts.scene import Exposure

VALUES = (
    State(session="s", messages=({"role": "user", "content": ()},)),
    Turn(run="r", prompt_id="p", max_turns=3),
    OpenCall(Call(id="c1", name="Read", input={})),
    Exposure(),
)


@given(st.sampled_from(VALUES), st.data())
def test_it_makes_the_same_and_leaves_the_first_as_it_was(value: Any, data: st.DataObject) -> None:
    names = [it.name for it in dataclasses.fields(value)]
    changes = data.draw(st.dictionaries(st.sampled_from(names), st.integers()))
    before = dataclasses.astuple(value)
    assert replace(value, **changes) == dataclasses.replace(value, **changes)
    assert dataclasses.astuple(value) == before


@pytest.mark.parametrize("value", VALUES, ids=lambda it: type(it).__name__)
def test_what_it_takes_for_granted_is_so(value: Any) -> None:
    assert not hasattr(type(value), "__post_init__")
    assert len(dataclasses.fields(value)) > 1
    copy = replace(value)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(copy, dataclasses.fields(value)[0].name, None)
    with pytest.raises(KeyError):
        replace(value, nothing_of_this_name=1)
