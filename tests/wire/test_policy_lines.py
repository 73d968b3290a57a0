"""What *Always allow* offers for a command line, and what an allow rule is not enough for."""

from __future__ import annotations

import pytest

from claw_lsp.core.policy.judge import judge
from claw_lsp.core.policy.offers import offer
from claw_lsp.facts.call import Call
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.facts.scene import Ground

ROOTS = ("/ws",)
GROUND = Ground(ROOTS, "/ws", "/home/u")


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("pytest -q tests/a.py", "Bash(pytest *)"),
        (".venv/bin/pytest -q", "Bash(.venv/bin/pytest *)"),
        ("python -m pytest -x", "Bash(python -m pytest *)"),
        (".venv/bin/python3.11 -m unittest", "Bash(.venv/bin/python3.11 -m unittest *)"),
        ("npm test", "Bash(npm test *)"),
        ("npm run lint src", "Bash(npm run lint *)"),
        ("cargo test", "Bash(cargo test *)"),
        ("go test ./...", "Bash(go test *)"),
        ("uv run pytest -q", "Bash(uv run pytest *)"),
        ("ruff check src", "Bash(ruff check *)"),
        ("git status -s", "Bash(git status *)"),
    ],
)
def test_a_project_tool_is_offered_with_any_targets(line: str, rule: str) -> None:
    assert offer(command(line)) == (rule,)


@pytest.mark.parametrize(
    "line",
    [
        "make test",
        "mvn test",
        "gradle check",
        "ninja all",
        "tox -e py",
        "nox -s tests",
        "git add a.py",
        "python a.py 5",
        "python -m http.server",
        "ruff format src",
        "seq 2",
    ],
)
def test_every_other_line_is_offered_as_it_stands(line: str) -> None:
    assert offer(command(line)) == (f"Bash({line})",)
    assert decision(f"Bash({line})", line) == "allow"
    assert decision(f"Bash({line})", f"{line} more") == "ask"


@pytest.mark.parametrize(
    "line",
    [
        *("tee a", "cp a b", "mv a b", "ln a b", "tar xf a.tar", "touch a", "mkdir a", "printenv", "install a b"),
        *("git config a b", "git push", "git -C sub status", "git checkout a", "git"),
        *(
            "npm install",
            "npm run",
            "npm run --silent",
            "npm publish",
            "npx jest",
            "pip install x",
            "python -m pip list",
        ),
        *("cargo run", "go run a.go", "uv run a.py", "uv pip install x", "/bin/cp a b", "CP a b", "chmod 777 a"),
        *("cat .env", "cat ../a", "ls .git", "pytest ../other", "busybox rm"),
    ],
)
def test_what_writes_runs_anything_or_reaches_elsewhere_is_never_offered(line: str) -> None:
    assert offer(command(line)) == ()


@pytest.mark.parametrize(
    "line",
    [
        "cat a.py /home/u/.ssh/id_rsa",
        "cat /etc/hosts",
        "cat ../other/a",
        "cat a/../../b",
        "cat .env",
        "cat src/.ENV",
        "cp a .claw/settings.json",
        "cp a .claw/chats/../settings.json",
        "git diff --output=.git/hooks/pre-commit",
        "grep -f/etc/passwd x",
        "tar -xf../a.tar",
        "tool -xzf.env",
        "tool --file=/etc/passwd",
        "tool @/etc/passwd",
        "git show HEAD:.env",
        "cat file:///etc/passwd",
        "cat https://../../etc/passwd",
        "cat //etc/passwd",
        "cat /ws-evil/a",
        "cat id_rsa",
        "go test -exec rm.sh ./...",
        "fd --exec=sh",
    ],
)
@pytest.mark.parametrize("words", [0, 1])
def test_no_allow_rule_is_enough_for_what_a_line_names_elsewhere(line: str, words: int) -> None:
    rule = f"Bash({line.split()[0]} *)" if words else "Bash"
    assert decision(rule, line) == "ask"


@pytest.mark.parametrize(
    "line",
    [
        "cat src/a.py",
        "cat /ws/src/a.py",
        "cat /ws/./a.py",
        ".venv/bin/pytest -q",
        "/usr/bin/true",
        "curl https://x.example/a",
        "git diff main..topic",
        "cat .env.example",
        "diff a.py /dev/null",
    ],
)
def test_an_allow_rule_is_enough_for_what_lies_in_the_workspace(line: str) -> None:
    assert decision("Bash", line) == "allow"


def test_the_question_says_what_the_line_names() -> None:
    verdict = judge([Rule(text="Bash", behavior="allow")], Mode.DEFAULT, command("cat a /etc/hosts"), GROUND)
    assert verdict.reason == "it names /etc/hosts, outside the workspace"
    verdict = judge([], Mode.DEFAULT, command("cp a --to=.claw/settings.json"), GROUND)
    assert verdict.reason == "it names --to=.claw/settings.json, which is protected or may hold secrets"


def test_a_denied_line_stays_denied_and_bypass_stays_bypass_whatever_it_names() -> None:
    plan = command("cat /etc/hosts")
    assert judge([Rule(text="Bash(cat *)", behavior="deny")], Mode.DEFAULT, plan, GROUND).decision == "deny"
    assert judge([], Mode.BYPASS, plan, GROUND).decision == "allow"


@pytest.mark.parametrize(
    ("text", "behavior"), [("Edit(a\\)", "deny"), ("Edit(", "deny"), ("Edit(a\\)", "ask"), ("(", "deny")]
)
def test_a_rule_that_cannot_be_read_asks_and_says_so(text: str, behavior: str) -> None:
    plan = Plan(Call(id="c1", name="Edit", input={}), Reach.EDIT, "t", paths=(PlannedPath("/ws/a", "/ws/a"),))
    rule = Rule.model_validate({"text": text, "behavior": behavior, "source": "user"})
    verdict = judge([rule], Mode.ACCEPT_EDITS, plan, GROUND)
    assert (verdict.decision, verdict.rule) == ("ask", text)
    assert verdict.reason == f"the {behavior} rule {text} from user cannot be read by this version; so it asks"


def decision(rule: str, line: str) -> str:
    return judge([Rule(text=rule, behavior="allow")], Mode.DEFAULT, command(line), GROUND).decision


def command(line: str) -> Plan:
    return Plan(Call(id="c1", name="Bash", input={}), Reach.RUN, "t", command=line)


@pytest.mark.parametrize(
    ("paths", "rule"),
    [
        ([("/other/a.py", "/other/a.py")], "Read(//other/**)"),
        ([("/other/.env", "/other/.env")], None),
        ([("/other/a.py", "/home/u/.ssh/id_rsa")], None),
        ([("/other/a*/a.py", "/other/a*/a.py")], None),
    ],
)
def test_no_folder_is_offered_for_secrets_or_for_more_than_its_name_says(
    paths: list[tuple[str, str]], rule: str | None
) -> None:
    planned = tuple(PlannedPath(*it) for it in paths)
    assert offer(Plan(Call(id="c", name="Read", input={}), Reach.READ, "t", paths=planned)) == ((rule,) if rule else ())
