"""Path rules: which folder a pattern hangs on, what it means, and how allow and deny differ."""

from __future__ import annotations

import pytest

from claw_lsp.core.policy.judge import judge
from claw_lsp.facts.call import Call
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.rule import Behavior, Mode, Rule
from claw_lsp.facts.scene import Ground

GROUND = Ground(("/ws", "/other"), "/ws/sub", "/home/u")


@pytest.mark.parametrize(
    ("spec", "path", "allowed", "denied"),
    [
        ("//etc/hosts", "/etc/hosts", True, True),
        ("//etc/hosts", "/ws/etc/hosts", False, False),
        ("//etc/**", "/etc/a/b", True, True),
        ("//etc/**", "/etcetera", False, False),
        ("~/notes/**", "/home/u/notes/a", True, True),
        ("~/notes", "/home/u/notes/a", True, True),
        ("~/notes", "/home/u2/notes", False, False),
        ("~/.aws/", "/home/u/.aws/credentials", True, True),
        ("/docs/**", "/project/docs/a.md", True, True),
        ("/docs/**", "/ws/docs/a.md", False, False),
        ("./a.py", "/ws/sub/a.py", True, True),
        ("./a.py", "/ws/a.py", False, True),
        ("a.py", "/ws/sub/deep/a.py", True, True),
        ("a.py", "/ws/a.py", False, True),
        ("a.py", "/other/x/a.py", False, True),
        ("*.py", "/ws/sub/a.py", True, True),
        ("*.py", "/ws/sub/a.pyc", False, False),
        ("src/**", "/ws/sub/src/a", True, True),
        ("src/**", "/ws/sub/x/src/a", False, True),
        ("src/**", "/ws/src/a", False, True),
        ("src/*.py", "/ws/sub/src/x/a.py", False, False),
        ("**/secret/**", "/ws/sub/a/secret/b", True, True),
        ("A.PY", "/ws/sub/a.py", False, True),
        ("#x", "/ws/sub/#x", True, True),
        ("**", "/ws/sub/a", True, True),
        ("", "/ws/sub/a", False, False),
    ],
)
def test_a_pattern_means_these_paths(spec: str, path: str, allowed: bool, denied: bool) -> None:
    assert (decision(f"Edit({spec})", "allow", path) == "allow") == allowed
    assert (decision(f"Edit({spec})", "deny", path) == "deny") == denied


def test_allow_needs_the_link_and_where_it_leads_and_deny_one_of_them() -> None:
    link = PlannedPath("/ws/sub/a.py", "/ws/x/b.py")
    assert decided([rule("Edit(a.py)", "allow")], link) == "ask"
    assert decided([rule("Edit(a.py)", "allow"), rule("Edit(//ws/x/b.py)", "allow")], link) == "ask"
    assert decided([rule("Edit(//ws/**)", "allow")], link) == "allow"
    assert decided([rule("Edit(a.py)", "deny")], link) == "deny"
    assert decided([rule("Edit(b.py)", "deny")], link) == "deny"


def test_a_later_pattern_of_the_same_source_takes_paths_out_again() -> None:
    deny = [rule("Read(*.key)", "deny"), rule("Read(!public.key)", "deny")]
    assert decided(deny, PlannedPath("/ws/sub/a.key", "/ws/sub/a.key"), "Read") == "deny"
    assert decided(deny, PlannedPath("/ws/sub/public.key", "/ws/sub/public.key"), "Read") != "deny"
    assert decided(deny[::-1], PlannedPath("/ws/sub/public.key", "/ws/sub/public.key"), "Read") == "deny"
    other = [deny[0], deny[1].model_copy(update={"source": "user"})]
    assert decided(other, PlannedPath("/ws/sub/public.key", "/ws/sub/public.key"), "Read") == "deny"


@pytest.mark.parametrize("tool", ["Read", "Grep", "Glob", "Edit", "Write", "NotebookEdit"])
def test_what_may_not_be_read_may_not_be_changed(tool: str) -> None:
    assert decided([rule("Read(a.txt)", "deny")], PlannedPath("/ws/sub/a.txt", "/ws/sub/a.txt"), tool) == "deny"


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("Read(.env)", "cat .env", "deny"),
        ("Read(.env)", "head -5 < .env", "deny"),
        ("Read(.env)", "bash -c 'cat .env'", "deny"),
        ("Read(.env)", "python3 a.py .env", "ask"),
        ("Read(data/**)", "grep -r x data/a", "deny"),
        ("Read(~/x/**)", 'cat "$HOME/x/y"', "deny"),
        ("Read(~/x/**)", "cat ~/x/y", "deny"),
        ("Read(.env)", "echo env", "allow"),
        ("Edit(a.txt)", "echo x > a.txt", "deny"),
        ("Edit(a.txt)", "cp b.txt a.txt", "deny"),
        ("Edit(a.txt)", "cat a.txt", "ask"),
        ("Edit(a.txt)", "cat b.txt", "allow"),
    ],
)
def test_a_path_rule_that_denies_looks_into_commands(text: str, line: str, expected: str) -> None:
    plan = Plan(Call(id="c", name="Bash", input={}), Reach.RUN, "t", command=line)
    assert judge([rule(text, "deny")], Mode.DEFAULT, plan, GROUND).decision == expected


def rule(text: str, behavior: Behavior) -> Rule:
    return Rule(text=text, behavior=behavior, source="project", base="/project")


def decision(text: str, behavior: Behavior, path: str) -> str:
    return decided([rule(text, behavior)], PlannedPath(path, path))


def decided(rules: list[Rule], path: PlannedPath, tool: str = "Edit") -> str:
    reach = Reach.READ if tool in ("Read", "Grep", "Glob") else Reach.EDIT
    return judge(
        rules, Mode.DEFAULT, Plan(Call(id="c", name=tool, input={}), reach, "t", paths=(path,)), GROUND
    ).decision


@pytest.mark.parametrize(
    ("path", "leads", "remembers", "expected"),
    [
        ("/c/memory/style.md", "", True, "allow"),
        ("/c/projects/-ws/memory/style.md", "", True, "allow"),
        ("/home/u/.claude/projects/-ws/memory/style.md", "", True, "allow"),
        ("/c/projects/-other/memory/style.md", "", True, "ask"),
        ("/c/projects/-ws/session.jsonl", "", True, "ask"),
        ("/c/memory/style.md", "/home/u/diary.md", True, "ask"),
        ("/c/memory/.env", "", True, "ask"),
        ("/c/memory/style.md", "", False, "ask"),
    ],
)
def test_the_agent_reads_its_own_notes_about_this_workspace_and_no_others(
    path: str, leads: str, remembers: bool, expected: str
) -> None:
    ground = Ground(("/ws", "/other"), "/ws", "/home/u", claw_home="/c", remembers=remembers)
    plan = Plan(Call(id="c", name="Read", input={}), Reach.READ, "Read", paths=(PlannedPath(path, leads or path),))
    assert judge([], Mode.DEFAULT, plan, ground).decision == expected
    denied = judge([rule(f"Read(/{path})", "deny")], Mode.DEFAULT, plan, ground)
    assert denied.decision == "deny"


@pytest.mark.parametrize("mode", [Mode.BYPASS, Mode.ACCEPT_EDITS, Mode.AUTO])
@pytest.mark.parametrize("where", [PlannedPath("/n/MEMORY.md", "/n/MEMORY.md"), PlannedPath("/ws/link", "/N/x.md")])
def test_the_agents_notes_are_asked_about_in_every_mode_and_whatever_is_allowed(mode: Mode, where: PlannedPath) -> None:
    ground = Ground(("/ws", "/n"), "/ws", "/home/u", notes="/n")
    call = Call(id="c", name="Edit", input={"file_path": where.path})
    plan = Plan(call, Reach.EDIT, "Edit", paths=(where,))
    allowing = [Rule(text=it, behavior="allow") for it in ("Edit", "Edit(//n/**)", "Edit(link)")]
    verdict = judge(allowing, mode, plan, ground)
    assert (verdict.decision, verdict.firm) == ("ask", True)
    elsewhere = Plan(call, Reach.EDIT, "Edit", paths=(PlannedPath("/ws/a.md", "/ws/a.md"),))
    assert judge(allowing, mode, elsewhere, ground).decision == "allow"
