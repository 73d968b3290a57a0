"""What hooks export is read as plain assignments, and nothing that chooses programs is taken."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claw_lsp.core.hooks.variables import LONGEST, read


@given(
    st.text(st.characters(exclude_characters="\0\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", exclude_categories=("Cs",)))
)
def test_what_a_shell_would_quote_arrives_as_it_is(value: str) -> None:
    found = read(f"export STAGE={shlex.quote(value)}\n")
    assert (found.kept, found.refused) == ({"STAGE": value}, ())


@given(st.text())
def test_whatever_stands_there_is_read_and_chooses_no_program(text: str) -> None:
    found = read(text)
    assert not {"PATH", "LD_PRELOAD", "BASH_ENV"} & found.kept.keys()


@pytest.mark.parametrize(
    "line",
    [
        "export PATH=/evil:/bin",
        "LD_PRELOAD=x.so",
        "DYLD_INSERT_LIBRARIES=x",
        "export BASH_ENV=~/x",
        "NODE_OPTIONS='--require x'",
        "PYTHONPATH=.",
        "GIT_SSH_COMMAND=x",
        "RUSTC_WRAPPER=x",
        "npm_config_registry=http://evil",
        "ANTHROPIC_BASE_URL=http://evil",
        "HTTPS_PROXY=http://evil",
        "export MY_API_KEY=x",
        "export A=$(id)",
        "A=`id`",
        'A="$HOME/x"',
        "A=1 B=2",
        "A=1; touch x",
        "source other",
        "A='open",
        "A",
        "1A=2",
    ],
)
def test_what_chooses_programs_or_wants_a_shell_is_refused(line: str) -> None:
    found = read(f"{line}\nSTAGE=test\n")
    assert found.kept == {"STAGE": "test"}
    assert len(found.refused) == 1


def test_all_ways_to_write_a_variable_and_one_to_take_it_back() -> None:
    text = "# a note\n\nexport A=1\nB='two words'\ndeclare -x C=\"3\"\nD='$HOME'\nunset OLD\nexport A=5\n"
    found = read(text)
    assert found.over({"OLD": "x", "STAYS": "y"}) == {"STAYS": "y", "A": "5", "B": "two words", "C": "3", "D": "$HOME"}
    assert found.refused == ()


def test_so_much_is_read_and_no_more() -> None:
    found = read("A=1\n" + "#" * LONGEST)
    assert (found.kept, len(found.refused)) == ({"A": "1"}, 1)
