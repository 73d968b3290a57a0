"""The policy against real bash, for a few seconds; `python -m tests.security.fuzz` is the long run."""

from __future__ import annotations

import re

import pytest
from fuzz.ground import Ground
from fuzz.hunt import Chosen, Product, hunt
from fuzz.policies import POLICIES, READS, Policy
from sandbox_desk import needs_bwrap

BY_NAME = {it.name: it for it in POLICIES}


@needs_bwrap
def test_nothing_that_is_allowed_does_more_than_the_rules_cover() -> None:
    figures = hunt(Product(), 3000, seed=3)
    assert [str(it) for it in figures.false_allows] == []
    assert figures.executed > 150
    assert figures.with_effects > 50


@needs_bwrap
def test_a_policy_that_looks_at_first_words_is_found_out() -> None:
    """The hunt can fail: what splits a line at `&&`, `;` and `|`, and knows programs by name, allows too much."""
    figures = hunt(first_words, 500, seed=3)
    assert len(figures.false_allows) >= 5


def first_words(chosen: list[Chosen]) -> list[bool]:
    parts = [(policy, line, re.split(r"&&|\|\||[;|]", line)) for policy, line in chosen]
    return ["\0" not in line and all(known(policy, it) for it in found) for policy, line, found in parts]


def known(policy: Policy, part: str) -> bool:
    words = part.split()
    return bool(words) and (words[0] in READS or any(part.strip().startswith(it) for it in policy.runs))


@needs_bwrap
@pytest.mark.parametrize(
    ("policy", "line", "wrong"),
    [
        ("default", "touch p", ["ran touch p"]),
        ("default", "ls; sh -c 'touch p'", ["ran sh -c touch p"]),
        ("default", "/bin/sh list & ls", ["ran sh list"]),
        ("default", "sort -o p list", ["changed /tmp/ws/p"]),
        ("default", "cat key", ["showed a file outside of the workspace"]),
        ("default", "echo x > ../home/.bashrc", ["changed /tmp/home/.bashrc"]),
        ("default", "echo x > /tmp/q", ["changed /tmp/q"]),
        ("acceptEdits", "touch p; sed -i s/x/y/ list; rm -r src", []),
        ("acceptEdits", "echo x > .git/config", ["changed /tmp/ws/.git/config"]),
        ("edit rule", "echo x > src/p; echo x > p", ["changed /tmp/ws/p"]),
        ("rules", "git push; npm test x; npm testx; cat key", ["ran npm testx"]),
        ("rules", "(sleep 1; npm install) > /dev/null &", ["ran sleep 1", "ran npm install"]),
        ("deny", "p; /usr/bin/touch p", ["ran touch p"]),
    ],
)
def test_what_a_line_did_is_seen(policy: str, line: str, wrong: list[str]) -> None:
    with Ground(BY_NAME[policy]) as ground:
        (effects,) = ground.effects([line])
        assert effects.wrong(BY_NAME[policy]) == wrong
        (after,) = ground.effects(["ls"])
        assert (after.ran, after.changed) == ([], []), "the workspace was not put back"
