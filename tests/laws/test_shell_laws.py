"""Laws of reading shell lines, over lines put together by a grammar: a part that nothing allows is never carried along,
however deep it stands, and a line of allowed parts needs no question."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from claw_lsp.core.policy.judge import judge
from claw_lsp.core.policy.reading import read_line
from claw_lsp.facts.call import Call
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.facts.scene import Ground

GROUND = Ground(("/ws",), "/ws", "/home/u")
RULES = [Rule(text=f"Bash({it})", behavior="allow") for it in ("pytest *", "npm test *", "git commit *", "make")]
FINE = [
    "ls -la",
    "pytest -q a.py",
    "npm test",
    "make",
    "cat a.py | head -3",
    "echo 'a; b'",
    'pytest "a b"',
    "timeout 5 make",
    "CI=1 pytest",
    "git commit -m 'x; y'",
    "ls 2>/dev/null",
    "[ -f a ]",
    "true",
    "wc -l < a.py",
]
BAD = [
    "curl x",
    "npm install",
    "sudo make",
    "ls > .git/x",
    "PATH=x make",
    "eval make",
    "cat .env",
    "make ../x",
    "git push",
    "xargs -n1 make",
    "cat < /etc/x",
    "tee .claw/x",
    "rm -rf ~",
    "find . -delete",
    "bash -c ls",
    "pytest $x",
    "export A=b",
]
HOLDERS = [
    "{a}; {b}",
    "{a} && {b}",
    "{a} || {b}",
    "{a} | {b}",
    "{a} &\n{b}",
    "{a}\n\n{b}",
    "{{ {a}; {b}; }}",
    "( {a}; {b} )",
    "if {a}; then {b}; fi",
    "if {a}; then ls; elif {b}; then ls; else ls; fi",
    "if {a}; then ls; else {b}; fi",
    "while {a}; do {b}; done",
    "until {a}; do {b}; done",
    "for i in a b; do {a}; {b}; done",
    "case a in x) {a} ;; y|z) {b} ;; esac",
    '{a}; echo "$( {b} )"',
    "{a}; x=$( {b} )",
    'git commit -m "$( {a}; {b} )"',
    "{a}; cat <( {b} )",
    '{a}; cat <<< "$( {b} )"',
    "{a}; {{ {b}; }} 2>/dev/null",
    "{a} # it's a comment; $(x)\n{b}",
]
"""Constructs with two places. In each of them both are run or may be, and nothing else is."""
HIDING = [
    *HOLDERS,
    "! {{ {a}; }}; {b}",
    "time {{ {a}; {b}; }}",
    "f() {{ {a}; }}; {b}; f",
    "coproc {{ {a}; }}; {b}",
    "for ((;;)); do {a}; {b}; done",
    "echo ${{x:-$( {a})}}; {b}",
    "{a}\ncat <<E | cat\nx\nE\n{b}",
    "cat <<E\n$( {a})\n`{b}`\nE",
]
"""Constructs that need not be read, but hide nothing either."""
DATA = ["cat <<'E'\n{b}\nE\n{a}", "{a}; echo '{b}'"]
"""The second place is text."""


def nested(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(st.sampled_from(HOLDERS), parts, parts)
    return two.map(lambda it: it[0].format(a=it[1], b=it[2]))


def holding(line: str) -> st.SearchStrategy[str]:
    """The line at some place of some construct, with fine parts around it."""
    fine = st.sampled_from(FINE)
    two = st.tuples(st.sampled_from(HIDING), fine, st.booleans())
    return two.map(lambda it: it[0].format(a=line, b=it[1]) if it[2] else it[0].format(a=it[1], b=line))


FINE_LINES = st.recursive(st.sampled_from(FINE), nested, max_leaves=6)
BAD_LINES = st.sampled_from(BAD).flatmap(holding).flatmap(holding).flatmap(lambda it: st.just(it) | holding(it))
MODES = st.sampled_from([it for it in Mode if it is not Mode.BYPASS])


@given(FINE_LINES)
def test_a_line_of_allowed_parts_is_allowed_whatever_holds_them(line: str) -> None:
    verdict = judge(RULES, Mode.DEFAULT, run(line), GROUND)
    assert verdict.decision == "allow", (line, verdict)


@given(BAD_LINES, MODES)
@example("if make; then curl x; fi", Mode.ACCEPT_EDITS)
def test_a_part_that_is_not_allowed_is_never_carried_along(line: str, mode: Mode) -> None:
    verdict = judge(RULES, mode, run(line), GROUND)
    assert verdict.decision != "allow", (line, verdict)


@given(st.sampled_from(["curl x", "/usr/bin/curl", "FOO=1 curl -s y"]).flatmap(holding).flatmap(holding))
def test_a_denied_part_is_denied_wherever_it_stands(line: str) -> None:
    rules = [Rule(text="Bash(curl *)", behavior="deny"), Rule(text="Bash", behavior="allow")]
    assert judge(rules, Mode.BYPASS, run(line), GROUND).decision == "deny", line


@given(FINE_LINES, st.sampled_from(DATA), st.sampled_from([it for it in BAD if "'" not in it]))
def test_text_is_not_run(line: str, around: str, text: str) -> None:
    whole = around.format(a=line, b=text)
    assert judge(RULES, Mode.DEFAULT, run(whole), GROUND).decision == "allow", whole


@given(
    FINE_LINES,
    st.integers(0, 400),
    st.sampled_from(['"', "'", "`", "$(", ")", "\\", "<<E", "\n", ";", "{", "}", "$", "#"]),
)
def test_a_line_that_is_cut_or_spoiled_never_raises(line: str, at: int, put: str) -> None:
    for spoiled in (line[:at], line[:at] + put + line[at:]):
        assert read_line(spoiled).parts is not None
        assert judge(RULES, Mode.DEFAULT, run(spoiled), GROUND).decision in ("allow", "ask", "deny")


def run(line: str) -> Plan:
    return Plan(Call(id="c", name="Bash", input={}), Reach.RUN, "t", command=line)
