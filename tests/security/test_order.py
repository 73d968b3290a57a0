"""The order in which a call is judged: hooks, rules, the floor, modes; who is asked in every mode; and children."""

from __future__ import annotations

import json

import pytest

from claw_lsp.core.policy.hooks import answered, together
from claw_lsp.core.policy.judge import judge
from claw_lsp.core.policy.narrowing import Authority, narrowed
from claw_lsp.facts.call import Call
from claw_lsp.facts.hook import HookEnded, HookVerdict
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.rule import Behavior, Mode, Rule
from claw_lsp.facts.scene import Ground

OWN = "/srv/claw"
GROUND = Ground(("/ws",), "/ws", "/home/u", claw_home=OWN)


def by_hook(decision: Behavior, reason: str = "") -> Ground:
    return Ground(("/ws",), "/ws", "/home/u", claw_home=OWN, hook=HookVerdict(decision, reason))


def run(command: str) -> Plan:
    return Plan(Call(id="c1", name="Bash", input={"command": command}), Reach.RUN, "t", command=command)


def change(path: str, target: str = "") -> Plan:
    paths = (PlannedPath(path, target or path),)
    return Plan(Call(id="c1", name="Edit", input={}), Reach.EDIT, "t", paths=paths)


def look(path: str) -> Plan:
    return Plan(Call(id="c1", name="Read", input={}), Reach.READ, "t", paths=(PlannedPath(path, path),))


def tool(name: str) -> Plan:
    return Plan(Call(id="c1", name=name, input={}), Reach.FETCH, "t")


def rules(**by: str) -> list[Rule]:
    behaviors: tuple[Behavior, ...] = ("allow", "ask", "deny")
    return [Rule(text=by[it], behavior=it) for it in behaviors if it in by]


def decision(plan: Plan, mode: Mode = Mode.DEFAULT, ground: Ground = GROUND, **by: str) -> str:
    return judge(rules(**by), mode, plan, ground).decision


# ---- hooks ------------------------------------------------------------------------------------------------------------


@pytest.mark.security_case("M06")
def test_a_hook_that_allows_never_beats_a_deny_rule() -> None:
    assert decision(run("rm -rf x"), ground=by_hook("allow"), deny="Bash(rm *)") == "deny"
    assert decision(run("rm -rf x"), Mode.BYPASS, by_hook("allow"), deny="Bash(rm *)") == "deny"


@pytest.mark.security_case("M07")
def test_what_a_hook_rewrote_is_judged_again() -> None:
    """A PermissionRequest hook that answers with another input answers for that input, which the rules may deny."""
    rewritten = judge(rules(deny="Bash(rm *)"), Mode.DEFAULT, run("rm -rf x"), GROUND)
    assert answered(rewritten, "allow").decision == "deny"
    asked = judge([], Mode.DEFAULT, run("make"), GROUND)
    assert (answered(asked, "allow").decision, answered(asked, "deny").decision) == ("allow", "deny")


@pytest.mark.parametrize("plan", [change("/ws/.claw/settings.json"), tool("CronCreate")])
def test_no_hook_answers_what_only_a_person_answers(plan: Plan) -> None:
    asked = judge([], Mode.DEFAULT, plan, GROUND)
    assert asked.firm
    assert answered(asked, "allow").decision == "ask"
    assert answered(asked, "deny").decision == "deny"


@pytest.mark.security_case("M08")
def test_a_hook_that_blocks_beats_an_allow_rule() -> None:
    said = together([HookEnded(0, "allow"), HookEnded(2, reason="not on Fridays")])
    assert said == HookVerdict("deny", "not on Fridays")
    found = judge(rules(allow="Bash(ls *)"), Mode.BYPASS, run("ls"), by_hook("deny", "not on Fridays"))
    assert (found.decision, found.reason) == ("deny", "a hook denies it: not on Fridays")


@pytest.mark.security_case("M09")
@pytest.mark.parametrize("code", [None, 1, 127])
def test_a_hook_that_failed_consents_to_nothing(code: int | None) -> None:
    """A crash or a time limit; nor does what it printed before count."""
    assert together([HookEnded(code, "allow")]) is None
    assert decision(run("npm test")) == "ask"
    assert together([HookEnded(code, "allow", must_run=True)]) == HookVerdict("deny")


def test_the_strictest_of_the_hooks_counts_whatever_their_order() -> None:
    allow, ask, deny, silent = (HookEnded(0, "allow"), HookEnded(0, "ask"), HookEnded(0, "deny"), HookEnded(0))
    for some, expected in [((allow, ask), "ask"), ((silent, allow), "allow"), ((ask, deny, allow), "deny")]:
        for order in (some, some[::-1]):
            found = together(order)
            assert found is not None and found.decision == expected
    assert together([silent]) is None


@pytest.mark.parametrize(
    ("plan", "mode", "by", "expected"),
    [
        (run("make"), Mode.DEFAULT, {}, "allow"),
        (run("make"), Mode.DONT_ASK, {}, "allow"),
        (run("make"), Mode.DEFAULT, {"ask": "Bash"}, "ask"),
        (run("make"), Mode.PLAN, {}, "ask"),
        (change("/ws/a.py"), Mode.DEFAULT, {}, "allow"),
        (change("/ws/a.py"), Mode.PLAN, {}, "deny"),
        (change("/ws/.git/config"), Mode.DEFAULT, {}, "ask"),
        (change("/ws/.claw/settings.json"), Mode.BYPASS, {}, "ask"),
        (look("/ws/.env"), Mode.DEFAULT, {}, "ask"),
    ],
)
def test_a_hook_that_allows_comes_before_allow_rules_and_behind_all_that_asks(
    plan: Plan, mode: Mode, by: dict[str, str], expected: str
) -> None:
    assert decision(plan, mode, by_hook("allow"), **by) == expected


def test_a_hook_that_asks_is_heard_in_every_mode() -> None:
    assert decision(run("ls"), Mode.BYPASS, by_hook("ask"), allow="Bash") == "ask"
    assert decision(run("ls"), Mode.DONT_ASK, by_hook("ask"), allow="Bash") == "deny"


# ---- the floor --------------------------------------------------------------------------------------------------------

GOVERNING = [
    "/ws/.claw/settings.json",
    "/ws/.claw/settings.local.json",
    "/ws/.claude/hooks/x.sh",
    "/ws/.CLAUDE/skills/s/SKILL.md",
    "/ws/.claude/agents/a.md",
    "/ws/.claw/scheduled_tasks.json",
    "/ws/sub/.mcp.json",
    "/home/u/.claude.json",
    "/home/u/.claude/settings.json",
    "/srv/claw/settings.json",
    "/srv/CLAW/plugins/p/plugin.json",
    "/srv/claw/allowed.json",
    "/ws/.claw/worktrees/x/.claw/settings.json",
    "/ws/.claw/worktrees",
]
FREE = [
    "/ws/.claw/chats/a.md",
    "/ws/.claw/worktrees/x/src/a.py",
    "/ws/.claude/worktrees/x/a.py",
    "/ws/src/claw/settings.json",
]


@pytest.mark.parametrize("path", GOVERNING)
@pytest.mark.parametrize("mode", list(Mode))
def test_what_governs_the_agent_is_asked_about_in_every_mode(path: str, mode: Mode) -> None:
    refused = mode in (Mode.PLAN, Mode.DONT_ASK)
    for plan in (change(path), change("/ws/readme.md", path)):
        found = judge(rules(allow="Edit"), mode, plan, by_hook("allow"))
        assert found.decision == ("deny" if refused else "ask")
        assert found.firm or mode is Mode.PLAN


@pytest.mark.parametrize("path", FREE)
def test_chats_and_worktrees_are_like_any_other_file(path: str) -> None:
    assert decision(change(path), Mode.ACCEPT_EDITS) == "allow"


@pytest.mark.parametrize(
    "path", ["/ws/.git/config", "/ws/.envrc", "/ws/.claw/chats/.git/config", "/ws/.claw/chats/.npmrc"]
)
def test_other_protected_files_are_asked_about_in_all_modes_but_one(path: str) -> None:
    assert decision(change(path), Mode.ACCEPT_EDITS, allow="Edit") == "ask"
    assert decision(change(path), Mode.BYPASS) == "allow"


@pytest.mark.parametrize("name", ["CronCreate", "CronDelete"])
def test_what_it_does_later_by_itself_is_asked_about_in_every_mode(name: str) -> None:
    assert decision(tool(name), Mode.BYPASS, allow=name) == "ask"


def test_a_tool_that_is_a_question_is_the_persons_in_every_mode_but_the_one_that_asks_nobody() -> None:
    plan = Plan(Call(id="c1", name="ExitPlanMode", input={}), Reach.PERSON, "t")
    for mode in Mode:
        assert decision(plan, mode, by_hook("allow")) == ("deny" if mode is Mode.DONT_ASK else "ask")


@pytest.mark.parametrize(
    "name", [".git", "..", "a/b", "a\\b", "../x", ".GIT", "x.lock", "", "-x", "a b", "a..b", "git"]
)
def test_a_worktree_is_called_by_one_plain_word(name: str) -> None:
    plan = Plan(Call(id="c1", name="EnterWorktree", input={"name": name}), Reach.FETCH, "t")
    assert decision(plan, Mode.BYPASS) == "deny"


@pytest.mark.parametrize("path", [".git", "/ws/.git/worktrees/x", "/ws/../x", "x/.GIT/", "GIT~1/x", ".git . /x"])
def test_a_worktree_lies_in_no_repositorys_own_folder(path: str) -> None:
    plan = Plan(Call(id="c1", name="EnterWorktree", input={"path": path}), Reach.FETCH, "t")
    assert decision(plan, Mode.BYPASS) == "deny"


def test_a_plain_worktree_is_asked_about_like_any_tool() -> None:
    plan = Plan(Call(id="c1", name="EnterWorktree", input={"name": "fix-12", "path": None}), Reach.FETCH, "t")
    assert decision(plan) == "ask"
    assert decision(plan, allow="EnterWorktree") == "allow"


# ---- servers, agents, the model's own word ----------------------------------------------------------------------------


@pytest.mark.security_case("M02")
def test_a_servers_tool_is_never_one_of_ours_or_of_another_server() -> None:
    for name in ("mcp__b__Bash", "mcp__bash__x", "mcp__b__mcp__a__x"):
        assert decision(tool(name), allow="Bash") == "ask"
        assert decision(tool(name), allow="mcp__a") == "ask"
        assert decision(tool(name), allow="mcp__a__x") == "ask"


def test_no_rule_lets_a_servers_tool_change_something_in_plan_mode() -> None:
    assert decision(tool("mcp__b__drop"), Mode.PLAN, allow="mcp__b") == "ask"


@pytest.mark.security_case("M12")
@pytest.mark.parametrize("parent", list(Mode))
def test_a_child_may_what_its_parent_may_at_the_most(parent: Mode) -> None:
    above = Authority((Rule(text="Edit", behavior="deny"),), parent)
    wished = Authority((Rule(text="Edit", behavior="allow"), Rule(text="Bash", behavior="allow")), Mode.BYPASS)
    child = narrowed(above, wished)
    assert judge(child.rules, child.mode, change("/ws/a.py"), GROUND).decision == "deny"
    assert (child.mode, child.rules) == (parent, above.rules)


def test_a_child_that_wishes_for_less_gets_less() -> None:
    wished = Authority((Rule(text="WebFetch", behavior="deny"),), Mode.PLAN)
    child = narrowed(Authority((Rule(text="Edit", behavior="allow"),), Mode.ACCEPT_EDITS), wished)
    assert child.mode is Mode.PLAN
    assert [(it.text, it.behavior) for it in child.rules] == [("Edit", "allow"), ("WebFetch", "deny")]


@pytest.mark.security_case("M15")
def test_the_model_does_not_grade_its_own_risk() -> None:
    """What a tool does not know grades nothing; the tool itself refuses such a field."""
    given = {"command": "rm -rf build", "requires_approval": False, "safe": True, "decision": "allow"}
    plan = Plan(Call(id="c1", name="Bash", input=given), Reach.RUN, "t", command="rm -rf build")
    assert judge([], Mode.DEFAULT, plan, GROUND) == judge([], Mode.DEFAULT, run("rm -rf build"), GROUND)
    assert decision(plan) == "ask"
    assert "requires_approval" in json.dumps(given)
