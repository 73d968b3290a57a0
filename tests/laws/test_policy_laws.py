"""Laws of the policy, over random rules, plans and modes, and over lines that look like shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from hypothesis import example, given
from hypothesis import strategies as st

from claw_lsp.core.policy import offers, shell
from claw_lsp.core.policy.judge import judge
from claw_lsp.core.policy.offers import offer
from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.policy.wrappers import unwrapped
from claw_lsp.facts.call import Call
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.facts.scene import Ground

ROOTS = ("/ws", "/lib")
GROUND = Ground(ROOTS, "/ws", "/home/u")
WIPES = "rm -rf /; "
STRICTNESS = {"allow": 0, "ask": 1, "deny": 2}

PROGRAMS = [
    "ls",
    "rm",
    "cat",
    "pytest",
    "git",
    "npm",
    "find",
    "python",
    "sudo",
    "timeout",
    "/usr/bin/curl",
    "make",
    "FOO=1",
    "echo",
]
WORDS = [*PROGRAMS, "run", "status", "-m", "-rf", "-delete", "-exec", "a.txt", "../x", "5", "https://x.example/", "a=b"]
SHELL = [
    ";",
    "&&",
    "|",
    "&",
    "\n",
    "\r",
    "`",
    "$(",
    ")",
    "$x",
    "'",
    '"',
    "\\",
    ">",
    "<(",
    "*",
    "{a,b}",
    "#",
    "~",
    "!",
    "\t",
    "é",
    "\0",
]


def run(line: str) -> Plan:
    return Plan(call("Bash"), Reach.RUN, "t", command=line)


def call(name: str) -> Call:
    return Call(id="c1", name=name, input={})


def look(path: str) -> Plan:
    return Plan(call("Read"), Reach.READ, "t", paths=(PlannedPath(path, path),))


def change(path: str) -> Plan:
    return Plan(call("Edit"), Reach.EDIT, "t", paths=(PlannedPath(path, path),))


def lines() -> st.SearchStrategy[str]:
    """Lines of plain words, lines with anything in them, and plain noise."""
    plain = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
    mixed = st.lists(st.sampled_from([*WORDS, *SHELL, " "]), min_size=1, max_size=8).map("".join)
    return st.one_of(plain, mixed, st.text(max_size=20))


def compounds() -> st.SearchStrategy[str]:
    """Lines of several commands, most of which a rule may be offered for."""
    commands = st.sampled_from(
        [
            "npm test",
            "seq 2",
            "pytest -q",
            "timeout 9 pytest",
            "cat a",
            "make x",
            "rm a",
            "a.py >b",
            "CI=1 npm test",
            "cd b",
        ]
    )
    joints = st.sampled_from([" && ", "; ", " | ", " || "])
    pieces = st.lists(st.tuples(commands, joints), min_size=1, max_size=6)
    return pieces.map(lambda it: "".join(a + b for a, b in it[:-1]) + it[-1][0])


def paths() -> st.SearchStrategy[str]:
    roots = st.sampled_from(["/ws", "/ws-evil", "/lib", "/etc", "/home/u", "/ws/sub", "/proc/1"])
    names = [
        "a.py",
        ".env",
        ".git/config",
        ".claw/settings.json",
        ".CLAUDE/x",
        "environ",
        "x[1]/a",
        ".ssh/id_rsa",
        "b*",
    ]
    return st.tuples(roots, st.sampled_from(names)).map("/".join)


def plans() -> st.SearchStrategy[Plan]:
    planned = st.builds(PlannedPath, paths(), paths()) | paths().map(lambda it: PlannedPath(it, it))
    looks = st.tuples(st.sampled_from(["Read", "Grep", "Glob"]), st.just(Reach.READ))
    edits = st.tuples(st.sampled_from(["Edit", "Write", "NotebookEdit"]), st.just(Reach.EDIT))
    touching = st.builds(
        lambda kind, some: Plan(call(kind[0]), kind[1], "t", paths=tuple(some)),
        st.one_of(looks, edits),
        st.lists(planned, min_size=1, max_size=3),
    )
    hosts = st.sampled_from(["x.example", "a.x.example", "localhost", "*", "10.0.0.1", "X.example.", "[::1]", "a b"])
    fetches = hosts.map(lambda it: Plan(call("WebFetch"), Reach.FETCH, "t", url=f"https://{it}/"))
    others = st.sampled_from(
        [
            Plan(call("WebSearch"), Reach.FETCH, "t"),
            Plan(call("TaskCreate"), Reach.NOTHING, "t"),
            Plan(call("AskUserQuestion"), Reach.PERSON, "t"),
        ]
    )
    wiping = lines().map(lambda it: run(WIPES + it))
    return st.one_of(lines().map(run), wiping, touching, fetches, others)


def rules() -> st.SearchStrategy[Rule]:
    tools = st.sampled_from(
        ["Bash", "Read", "Edit", "Write", "Grep", "WebFetch", "WebSearch", "TaskCreate", "W*", "*", "AskUserQuestion"]
    )
    prefixes = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
    specs = st.one_of(
        prefixes.map(lambda it: f"({it} *)"),
        prefixes.map(lambda it: f"({it}:*)"),
        prefixes.map(lambda it: f"({it})"),
        st.sampled_from(["", "(*)", "(//ws/**)", "(//etc/**)", "(.env)", "(~/.ssh/**)", "(//ws/a.py)"]),
        st.sampled_from(["(domain:x.example)", "(domain:*.x.example)", "(domain:*)", "(domain:localhost)"]),
        st.sampled_from(["(", ")(", "((", "(unclosed"]),
    )
    texts = st.tuples(tools, specs).map("".join) | st.text(max_size=8)
    return st.builds(Rule, text=texts, behavior=st.sampled_from(["allow", "ask", "deny"]))


UNREADABLE = Rule(text="(", behavior="deny")
DENIED_PATH = Rule(text="Read(//etc/**)", behavior="deny")
MANY = st.lists(rules(), max_size=6)
MODES = st.sampled_from(list(Mode))


@given(MANY, rules(), MODES, plans())
@example([UNREADABLE], Rule(text="Bash", behavior="deny"), Mode.DEFAULT, run("ls"))
@example([Rule(text="Read(.env)", behavior="deny")], DENIED_PATH, Mode.BYPASS, look("/etc/a.py"))
def test_a_deny_is_never_outvoted(others: list[Rule], one: Rule, mode: Mode, plan: Plan) -> None:
    deny = one.model_copy(update={"behavior": "deny"})
    alone = judge([deny], mode, plan, GROUND)
    # Where nobody is asked, a question is a deny, too, and a yes of another rule may answer it.
    if alone.decision == "deny" and mode is not Mode.DONT_ASK:
        assert judge([*others, deny], mode, plan, GROUND).decision == "deny"
        assert judge([deny, *others], Mode.BYPASS, plan, GROUND).decision == "deny" or alone.rule is None


@given(MANY.flatmap(lambda it: st.tuples(st.just(it), st.permutations(it))), MODES, plans())
@example(([UNREADABLE, DENIED_PATH], [DENIED_PATH, UNREADABLE]), Mode.DEFAULT, look("/etc/a.py"))
def test_the_order_of_rules_means_nothing(orders: tuple[list[Rule], list[Rule]], mode: Mode, plan: Plan) -> None:
    one, other = orders
    assert judge(one, mode, plan, GROUND).decision == judge(other, mode, plan, GROUND).decision


@given(MANY, rules(), MODES, plans())
def test_another_allow_rule_never_makes_it_stricter(some: list[Rule], one: Rule, mode: Mode, plan: Plan) -> None:
    allow = one.model_copy(update={"behavior": "allow"})
    assert strictness([*some, allow], mode, plan) <= strictness(some, mode, plan)


@given(MANY, rules(), st.sampled_from(["ask", "deny"]), MODES, plans())
@example([], Rule(text="Edit", behavior="ask"), "ask", Mode.PLAN, change("/ws/a.py"))
@example([DENIED_PATH], UNREADABLE, "deny", Mode.DEFAULT, look("/etc/a.py"))
def test_another_ask_or_deny_rule_never_makes_it_looser(
    some: list[Rule], one: Rule, behavior: str, mode: Mode, plan: Plan
) -> None:
    strict = one.model_copy(update={"behavior": behavior})
    assert strictness([*some, strict], mode, plan) >= strictness(some, mode, plan)


@given(MANY, plans())
def test_plan_mode_changes_no_file_whatever_the_rules_say(some: list[Rule], plan: Plan) -> None:
    decision = judge(some, Mode.PLAN, plan, GROUND).decision
    if plan.reach is Reach.EDIT:
        assert decision == "deny"
    if plan.command is not None and decision == "allow":
        assert not shell.parts_asked(read_line(plan.command)), "plan mode runs what only reads"


ALLOWED = ["pytest -q", "git status", "timeout 5 pytest a.py", "ls src", "CI=1 pytest", "pytest 'a b'", 'pytest "x;y"']
NOT_ALLOWED = [
    "curl x",
    "npm install",
    "PATH=/x pytest",
    "GIT_PAGER=x",
    "env pytest",
    "eval ls",
    "python a.py",
    "./ls",
    "pytest > .git/a",
]
AROUND = ["{}; {}", "{} && {}", "{} || {}", "{} | {}", "{} & {}", "{}\n{}", "{} |& {}", "{} ; ! {}"]
INSIDE = [
    "{} $({})",
    '{} "$({})"',
    "{} `{}`",
    "{} <({})",
    "({}; {})",
    "{{ {}; {}; }}",
    "if {}; then {}; fi",
    "{} <<E\n$({})\nE",
]
RULES = [Rule(text=f"Bash({it} *)", behavior="allow") for it in ("pytest", "git", "ls")]


@given(st.lists(st.sampled_from(ALLOWED), min_size=1, max_size=3), st.sampled_from(AROUND))
def test_a_line_of_allowed_parts_is_allowed(parts: list[str], around: str) -> None:
    line = parts[0]
    for part in parts[1:]:
        line = around.format(line, part)
    assert judge(RULES, Mode.DEFAULT, run(line), GROUND).decision == "allow", line


@given(
    st.lists(st.sampled_from(ALLOWED), min_size=1, max_size=3),
    st.sampled_from(NOT_ALLOWED),
    st.lists(st.sampled_from([*AROUND, *INSIDE]), min_size=3, max_size=3),
    st.booleans(),
    MODES,
)
def test_a_part_that_is_not_allowed_is_never_carried_by_others(
    parts: list[str], bad: str, around: list[str], last: bool, mode: Mode
) -> None:
    line = bad
    for part, how in zip(parts, around, strict=False):
        line = how.format(part, line) if last else how.format(line, part)
    if mode is not Mode.BYPASS:
        assert judge(RULES, mode, run(line), GROUND).decision != "allow", line


@given(lines())
@example("ls\n")
@example("ls\u00a0x")
@example("pytest \\\r\nx")
@example("(0)")
def test_reading_never_raises_and_its_words_are_those_of_another_reader(line: str) -> None:
    """shlex knows quotes and backslashes, and nothing of commands: so lines of one command only."""
    read = read_line(line)
    if read.unread or len(read.parts) != 1 or read.redirects or read.parts[0].assignments or "#" in line:
        return
    texts = list(read.parts[0].texts)
    if not set(line) & set(";&|!\n(){}"):
        assert texts == shlex.split(line)


@given(MANY, MODES, plans())
def test_what_always_asks_cannot_be_widened(some: list[Rule], mode: Mode, plan: Plan) -> None:
    if asks_always(mode, plan):
        assert judge(some, mode, plan, GROUND).decision != "allow"


def asks_always(mode: Mode, plan: Plan) -> bool:
    """The promises of PRODUCT.md, by examples that this file makes: agent's own files, protected ones, secrets."""
    named = [it for path in plan.paths for it in (path.path.lower(), path.target.lower())]
    if plan.reach is Reach.EDIT:
        own = any("/.claw/" in it or "/.claude/" in it for it in named)
        return own or (mode is not Mode.BYPASS and any("/.git/" in it for it in named))
    if plan.reach is Reach.READ:
        return mode is not Mode.BYPASS and any(it.endswith("/.env") or "/.ssh/" in it for it in named)
    return plan.command is not None and plan.command.startswith(WIPES)


@given(MANY, plans())
def test_offered_rules_allow_what_was_asked_and_can_be_stored(some: list[Rule], plan: Plan) -> None:
    texts = offer(plan, some)
    if not texts:
        return
    within = all(it.path == it.target for it in plan.paths)
    verdict = judge(some, Mode.DEFAULT, plan, GROUND)
    if within and verdict.reason.startswith(("no rule decides", "it reads outside the workspace")):
        assert judge([*some, *allowing(texts)], Mode.DEFAULT, plan, GROUND).decision == "allow"
    assert len(texts) == len(set(texts)) <= offers.MOST_RULES
    assert all("\n" not in text and text == text.strip() for text in texts)


@given(plans(), plans())
def test_offered_rules_are_about_their_own_tool_and_kind(plan: Plan, other: Plan) -> None:
    texts = offer(plan)
    if judge(allowing(texts), Mode.DEFAULT, other, GROUND).rule not in texts:
        return
    assert other.reach is plan.reach
    if plan.command is not None and other.command is not None:
        assert programs(other.command) & programs(plan.command)
    if plan.url is not None and other.url is not None:
        assert plan.url.lower().replace("./", "/") == other.url.lower().replace("./", "/")


@given(st.one_of(lines(), compounds()))
@example("npm test && seq 2; timeout 5 pytest a | tail -1")
@example("seq 1; seq 2; seq 3; seq 4; seq 5; seq 6")
def test_every_part_that_asks_is_covered_by_an_offered_rule_and_each_rule_by_a_part(line: str) -> None:
    texts = offer(run(line))
    specs = [text.removeprefix("Bash(").removesuffix(")") for text in texts]
    parts = read_line(line).parts
    asked = shell.parts_asked(read_line(line))
    assert all(any(shell.covers(spec, it) for it in parts) for spec in specs)
    assert not specs or all(any(shell.covers(spec, it) for spec in specs) for it in asked)
    assert all(shell.plain_words(it.text) for it in asked if specs)


@given(st.one_of(lines(), compounds()), lines())
@example("cat a.py", "cat a.py /home/u/.ssh/id_rsa")
@example("pytest a", "pytest b")
def test_offered_rules_without_an_open_end_cover_nothing_else(line: str, other: str) -> None:
    texts = [it for it in offer(run(line)) if not it.endswith(" *)")]
    if other.split() not in [it.text.split() for it in read_line(line).parts]:
        assert judge(allowing(texts), Mode.DEFAULT, run(other), GROUND).rule is None


@given(st.one_of(lines(), compounds()), st.sampled_from(sorted(offers._NEVER)))  # pyright: ignore[reportPrivateUsage]
def test_no_offered_rule_covers_a_program_that_is_never_offered(line: str, program: str) -> None:
    assert judge(allowing(offer(run(line))), Mode.DEFAULT, run(f"{program} a"), GROUND).rule is None


def allowing(texts: Iterable[str]) -> list[Rule]:
    return [Rule(text=it, behavior="allow") for it in texts]


def programs(line: str) -> set[str]:
    return {it.words[0].text for it in map(unwrapped, read_line(line).parts) if it.words}


_COMMENT = re.compile(r"(^|[\s;&|()<>])#")


@example("0&#", "/etc/a")
@given(lines(), st.sampled_from(["/etc/a", "../a", ".env", "--to=.claw/x", "-f/etc/x", "a:/etc/x"]))
def test_no_allow_rule_covers_a_line_that_names_what_lies_elsewhere(line: str, name: str) -> None:
    for text in ("Bash", f"Bash({line} *)", f"Bash({line} {name})"):
        rule = Rule(text=text, behavior="allow")
        runs = [it.words[0].text for it in read_line(f"{line} {name}").parts if it.words]
        decision = judge([rule], Mode.DEFAULT, run(f"{line} {name}"), GROUND).decision
        # Behind a # that begins a word stands a comment, which names nothing.
        assert decision != "allow" or any(name in it for it in runs) or not runs or _COMMENT.search(line), (
            "which programs may run is what the rule says"
        )


@given(lines(), st.sampled_from(["sudo ", "FOO=1 ", "nice -n 5 ", "timeout 5 env ", "true; ", "echo $(", "a && b | "]))
def test_a_denied_program_is_denied_behind_wrappers_and_in_parts(line: str, before: str) -> None:
    words = shell.plain_words(line)
    if words and words[0] not in (*PROGRAMS[8:10], "a=b", "FOO=1"):
        rule = Rule(text=f"Bash({words[0].rsplit('/', 1)[-1]} *)", behavior="deny")
        allow = Rule(text="Bash", behavior="allow")
        assert judge([rule, allow], Mode.BYPASS, run(before + line), GROUND).decision == "deny"


def strictness(some: list[Rule], mode: Mode, plan: Plan) -> int:
    return STRICTNESS[judge(some, mode, plan, GROUND).decision]
