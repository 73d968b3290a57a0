"""The rule grammar, row by row: what each form of a rule means of a call when it allows, asks or denies; and what is said of a
rule that cannot be read or can never mean anything."""

from __future__ import annotations

from typing import Any

import pytest

from claw_lsp.core.policy.judge import judge
from claw_lsp.core.policy.rules import remark, worth
from claw_lsp.facts.call import Call
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.rule import Behavior, Mode, Rule, Verdict
from claw_lsp.facts.scene import Ground

GROUND = Ground(("/ws", "/other"), "/ws", "/home/u", claw_home="/home/u/.claw")


def tool(name: str, **given: Any) -> Plan:
    return Plan(Call(id="c1", name=name, input=given), Reach.FETCH, "t")


def run(command: str, **more: Any) -> Plan:
    return Plan(Call(id="c1", name="Bash", input={"command": command, **more}), Reach.RUN, "t", command=command)


def fetch(url: str) -> Plan:
    return Plan(Call(id="c1", name="WebFetch", input={"url": url}), Reach.FETCH, "t", url=url)


def look(path: str, name: str = "Read") -> Plan:
    return Plan(Call(id="c1", name=name, input={"file_path": path}), Reach.READ, "t", paths=(PlannedPath(path, path),))


def change(path: str, name: str = "Edit") -> Plan:
    return Plan(Call(id="c1", name=name, input={"file_path": path}), Reach.EDIT, "t", paths=(PlannedPath(path, path),))


def verdict(text: str, behavior: Behavior, plan: Plan, mode: Mode = Mode.DEFAULT) -> Verdict:
    return judge([Rule(text=text, behavior=behavior)], mode, plan, GROUND)


OUTSIDE = "/elsewhere/a.py"
SECRET = "/ws/a.key"

ROWS: list[tuple[str, Plan, bool, bool]] = [
    # the rule, a call, whether it allows it, whether it denies it
    ("Bash", run("make"), True, True),
    ("Bash(*)", run("make"), True, True),
    ("Bash()", run("make"), False, False),
    ("bash", run("make"), False, True),
    ("Bash(make)", run("make"), True, True),
    ("Bash(make)", run("make all"), False, False),
    ("Bash(make *)", run("make"), True, True),
    ("Bash(make *)", run("make all"), True, True),
    ("Bash(make:*)", run("make all"), True, True),
    ("Bash(make *)", run("makefile-lint"), False, False),
    ("Bash(make*)", run("makefile-lint"), True, True),
    ("Bash(npm run *:fix)", run("npm run lint:fix"), True, True),
    ("Bash(* --version)", run("tool --version"), True, True),
    ("Monitor", run("make"), False, False),
    ("B*", run("make"), False, True),
    ("*", run("make"), False, True),
    ("*", tool("TaskCreate"), False, True),
    ("Write", change("/ws/a.py", "Write"), True, True),
    ("Edit", change("/ws/a.py", "Write"), True, True),
    ("Edit", change("/ws/a.ipynb", "NotebookEdit"), True, True),
    ("Write", change("/ws/a.py", "Edit"), False, False),
    ("Read", look(OUTSIDE), True, True),
    ("Read", look(OUTSIDE, "Grep"), True, True),
    ("Read", look(OUTSIDE, "LSP"), True, True),
    ("Grep", look(OUTSIDE, "Read"), False, False),
    ("Read", change("/ws/a.py"), False, True),
    ("Read(a.py)", change("/ws/a.py"), False, True),
    ("Edit(a.py)", look("/ws/a.py"), True, False),
    ("Read(//elsewhere/**)", look(OUTSIDE), True, True),
    ("Read(~/notes/**)", look("/home/u/notes/a"), True, True),
    ("Edit(src/**)", change("/ws/src/a.py"), True, True),
    ("Edit(src/**)", change("/ws/x/src/a.py"), False, True),
    ("Edit(src/**)", change("/other/src/a.py"), False, True),
    ("Edit(SRC/**)", change("/ws/src/a.py"), False, True),
    ("Edit(!a.py)", change("/ws/a.py"), False, False),
    (r"Edit(C:\work\**)", change(r"c:\work\a.py"), True, True),
    ("Edit(//c/work/**)", change(r"C:\work\a.py"), True, True),
    ("WebFetch", fetch("https://x.example/"), True, True),
    ("WebFetch(domain:x.example)", fetch("https://X.EXAMPLE./a"), True, True),
    ("WebFetch(domain:X.example)", fetch("https://x.example:8443/a"), True, True),
    ("WebFetch(domain:x.example)", fetch("https://a.x.example/"), False, False),
    ("WebFetch(domain:*.x.example)", fetch("https://a.b.x.example/"), True, True),
    ("WebFetch(domain:*.x.example)", fetch("https://x.example/"), False, False),
    ("WebFetch(domain:*.x.example)", fetch("https://evilx.example/"), False, False),
    ("WebFetch(domain:api-*.x.example)", fetch("https://api-1.x.example/"), True, True),
    ("WebFetch(domain:api-*.x.example)", fetch("https://api-1.evil.x.example/"), False, False),
    ("WebFetch(domain:api.*.example)", fetch("https://api.x.example/"), True, True),
    ("WebFetch(domain:api.*.example)", fetch("https://api.x.y.example/"), False, False),
    ("WebFetch(domain:x.*)", fetch("https://x.example/"), True, True),
    ("WebFetch(domain:x.*)", fetch("https://x.example.evil/"), False, False),
    ("WebFetch(domain:*)", fetch("https://x.example/"), True, True),
    ("WebFetch(domain:*)", fetch("http://localhost/"), False, True),
    ("WebFetch(x.example)", fetch("https://x.example/"), False, False),
    ("mcp__b", tool("mcp__b__list"), True, True),
    ("mcp__b__*", tool("mcp__b__list"), True, True),
    ("mcp__b__list", tool("mcp__b__list"), True, True),
    ("mcp__b__list", tool("mcp__b__drop"), False, False),
    ("mcp__b__get_*", tool("mcp__b__get_issue"), True, True),
    ("mcp__b__get_*", tool("mcp__b__drop"), False, False),
    ("mcp__b", tool("mcp__bb__list"), False, False),
    ("mcp__b", tool("mcp__b__c__list"), False, True),
    ("mcp__b", tool("mcp__b___list"), False, True),
    ("mcp__*", tool("mcp__b__list"), False, True),
    ("mcp__*__list", tool("mcp__b__list"), False, True),
    ("mcp__b*", tool("mcp__bb__list"), False, True),
    ("Bash", tool("mcp__b__Bash"), False, False),
    ("Agent", tool("Agent", subagent_type="review"), True, True),
    ("Agent(review)", tool("Agent", subagent_type="review"), True, True),
    ("Agent(review)", tool("Task", subagent_type="review"), True, True),
    ("Task(review)", tool("Agent", subagent_type="review"), True, True),
    ("Agent(review)", tool("Agent", subagent_type="other"), False, False),
    ("Agent(general-purpose)", tool("Agent"), True, True),
    ("Agent(model:opus)", tool("Agent", subagent_type="review", model="opus"), False, True),
    ("Agent(model:op*)", tool("Agent", subagent_type="review", model="opus"), False, True),
    ("Agent(model:opus)", tool("Agent", subagent_type="review", model="haiku"), False, False),
    ("Skill(deploy)", tool("Skill", skill="deploy"), True, True),
    ("Skill(deploy)", tool("Skill", skill="/deploy"), True, True),
    ("Skill(deploy)", tool("Skill", skill="deploy", args="now"), False, True),
    ("Skill(deploy *)", tool("Skill", skill="deploy", args="now"), True, True),
    ("Skill(deploy *)", tool("Skill", skill="deploy"), True, True),
    ("Skill(deploy *)", tool("Skill", skill="deploy-all"), False, False),
    ("Bash(run_in_background:true)", run("make", run_in_background=True), False, True),
    ("Bash(run_in_background:true)", run("make"), False, False),
    ("Bash(run_in_background:true)", run("make", run_in_background=False), False, False),
    ("mcp__b__get(repo:secret-*)", tool("mcp__b__get", repo="secret-1"), False, True),
    ("mcp__b__get(repo:secret-*)", tool("mcp__b__get", repo="public"), False, False),
    ("WebSearch(query:*password*)", tool("WebSearch", query="my password"), False, True),
    ("Cd(//etc/**)", run("cd /etc/ssl && make"), False, True),
    ("Cd(//etc/**)", run("bash -c 'cd /etc/ssl'"), False, True),
    ("Cd(sub)", run("cd sub && make"), False, True),
    ("Cd(~)", run("cd && make"), False, True),
    ("Cd(//etc/**)", run("cd src && make"), False, False),
    ("Cd", run("cd src"), False, True),
]


@pytest.mark.parametrize(("text", "plan", "allowed", "denied"), ROWS, ids=lambda it: it if isinstance(it, str) else "")
def test_a_rule_means_just_this(text: str, plan: Plan, allowed: bool, denied: bool) -> None:
    without = judge([], Mode.DEFAULT, plan, GROUND).decision
    allows, denies = verdict(text, "allow", plan), verdict(text, "deny", plan)
    asks = verdict(text, "ask", plan, Mode.BYPASS)
    assert (allows.decision == "allow") == (allowed or without == "allow")
    assert (denies.decision == "deny") == denied
    # What is read of a file that may not be read is a matter of deny rules alone.
    if not (text.startswith("Read") and plan.reach is Reach.EDIT):
        assert (asks.decision == "ask" and asks.rule == text) == denied or asks.rule is not None


@pytest.mark.parametrize(
    ("text", "plan", "asked"),
    [
        ("Bash(rm *", run("make"), True),
        ("Bash(rm *", look("/ws/a.py"), False),
        ("Bash()", run("make"), True),
        ("(", run("make"), True),
        ("", look("/ws/a.py"), True),
        ("Read(src/**", look("/ws/a.py"), True),
        ("Read()", look("/ws/a.py"), True),
        ("WebFetch(x.example)", fetch("https://x.example/"), True),
        ("WebFetch(domain:a b)", fetch("https://x.example/"), True),
        ("mcp__b__get(secret)", tool("mcp__b__get"), True),
        ("Cd(//etc/**)", run('cd "$X" && make'), True),
        ("Cd(~/x/**)", run("cd ~/x/y"), True),
    ],
)
@pytest.mark.parametrize("behavior", ["deny", "ask"])
def test_a_rule_that_cannot_be_told_not_to_mean_it_asks_in_every_mode(
    text: str, plan: Plan, asked: bool, behavior: Behavior
) -> None:
    found = verdict(text, behavior, plan, Mode.BYPASS)
    assert (found.decision, found.firm) == (("ask", True) if asked else ("allow", False))


def test_a_negation_of_the_same_source_takes_out_of_an_allow_rule_too() -> None:
    rules = [Rule(text=it, behavior="allow") for it in ("Edit(src/**)", "Edit(!src/own/**)")]
    assert judge(rules, Mode.DEFAULT, change("/ws/src/a.py"), GROUND).decision == "allow"
    assert judge(rules, Mode.DEFAULT, change("/ws/src/own/a.py"), GROUND).decision == "ask"


def test_asking_before_reading_is_no_question_about_a_change() -> None:
    assert verdict("Read(a.py)", "ask", change("/ws/a.py"), Mode.ACCEPT_EDITS).decision == "allow"


REMARKS: list[tuple[str, Behavior, str]] = [
    ("", "deny", "expected a tool"),
    ("Bash(", "allow", "a parenthesis is not closed"),
    ("Bash(rm *", "deny", 'write "Bash(rm *)"'),
    ("Bash()", "allow", 'write "Bash" for every use'),
    ("Bash(rm) x", "deny", "expected a tool"),
    ("bash", "allow", 'did you mean "Bash"'),
    ("Bsah(ls)", "deny", 'did you mean "Bash"'),
    ("WebFecth", "deny", 'did you mean "WebFetch"'),
    ("Zqxj", "deny", "there is no tool Zqxj"),
    ("Web*", "allow", "an allow rule names its tool"),
    ("Zq*", "deny", "no tool has a name like this"),
    ("mcp__*", "allow", "names its server"),
    ("mcp__", "deny", 'expected "mcp__<server>"'),
    ("Bash(git:* push)", "allow", 'write "Bash(git * push)"'),
    ("Bash(command:rm)", "deny", 'write "Bash(rm)"'),
    ("Bash(run_in_background:true)", "allow", "a rule about a field denies or asks"),
    ("Agent(model:opus)", "allow", "a rule about a field denies or asks"),
    ("mcp__b__get(repo:x)", "allow", "a rule about a field denies or asks"),
    ("mcp__b__get(x)", "deny", "takes no pattern"),
    ("TaskCreate(x)", "deny", "takes no pattern"),
    ("WebFetch(example.com)", "allow", 'write "WebFetch(domain:example.com)"'),
    ("WebFetch(url:https://x.example)", "deny", 'write "WebFetch(domain:example.com)"'),
    ("WebFetch(domain:https://x.example/a)", "allow", 'write "WebFetch(domain:x.example)"'),
    ("WebFetch(domain:a b)", "allow", "is no name of a host"),
    ("WebFetch(domain:localhost:3000)", "deny", 'write "WebFetch(domain:localhost)"'),
    (r"Edit(src\app\*.py)", "allow", 'write "Edit(src/app/*.py)"'),
    ("Read(/home/u/x)", "allow", '"Read(//home/u/x)"'),
    ("Read(file_path:/a)", "deny", "the pattern is the path itself"),
]


@pytest.mark.parametrize(("text", "behavior", "told"), REMARKS)
def test_what_is_wrong_with_a_rule_is_said_and_what_to_write(text: str, behavior: Behavior, told: str) -> None:
    assert told in remark(text, behavior)


@pytest.mark.parametrize(
    ("text", "behavior", "does"),
    [
        ("Bash(rm *", "deny", "every call that it may mean asks"),
        ("Bash(rm *", "allow", "it allows nothing"),
        ("Bsah", "deny", "it denies nothing"),
        ("Read(/etc/x)", "deny", ""),
    ],
)
def test_what_such_a_rule_does_as_it_is_is_said_truly(text: str, behavior: Behavior, does: str) -> None:
    assert worth(text, behavior) == does


@pytest.mark.parametrize(
    "text",
    [
        "Bash(command:*)",
        "Bash(git commit:*)",
        "Bash(npm run test:unit)",
        "Bash(FOO=1 make *)",
        "Read(/tmp/**)",
        "Read(./src/**)",
        "Edit(/src/**)",
        "Skill(plugin:name)",
        "Agent(plugin:name)",
        "mcp__plugin_context7_context7__resolve-library-id",
        "WebFetch(domain:[::1])",
        "MultiEdit",
    ],
)
@pytest.mark.parametrize("behavior", ["allow", "deny"])
def test_nothing_is_said_of_what_people_write(text: str, behavior: Behavior) -> None:
    assert remark(text, behavior) == ""


@pytest.mark.parametrize("behavior", ["allow", "ask", "deny"])
@pytest.mark.parametrize("text", sorted({text for text, _, allowed, _ in ROWS if allowed} - {r"Edit(C:\work\**)"}))
def test_nothing_is_said_of_a_rule_that_means_something(text: str, behavior: Behavior) -> None:
    assert remark(text, behavior) == ""


@pytest.mark.parametrize("behavior", ["ask", "deny"])
@pytest.mark.parametrize(
    "text", ["mcp__*", "*", "Web*", "Bash(run_in_background:true)", "Agent(model:opus)", "Cd(sub)"]
)
def test_nothing_is_said_of_forms_that_deny_or_ask_only(text: str, behavior: Behavior) -> None:
    assert remark(text, behavior) == ""
