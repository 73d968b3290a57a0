"""Commands that search whole folders: what they would show of files that are secret, or that a rule keeps back, is asked about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from claw_lsp.adapters.disk.below import files_below
from claw_lsp.app.permissions import checked_line
from claw_lsp.app.world import World
from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.policy.searching import OTHERS, Searched, searched
from claw_lsp.facts.scene import Ground

GROUND = Ground(("/ws",), "/ws", "/home/u")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("grep -rn x", [("/ws", True)]),
        ("grep -rn x src", [("/ws/x", True), ("/ws/src", True)]),
        ("grep -n x a.py", []),
        ("grep x --recursive .", [("/ws/x", True), ("/ws", True)]),
        ("ls && egrep -ir x src | head", [("/ws/x", True), ("/ws/src", True)]),
        ("rg x", [("/ws", False)]),
        ("rg -n --hidden x", [("/ws", True)]),
        ("rg -uu x", [("/ws", True)]),
        ("timeout 5 rg --no-ignore x lib", [("/ws/x", True), ("/ws/lib", True)]),
        ("bash -c 'grep -r x .'", [("/ws/x", True), ("/ws", True)]),
        ("cd sub && grep -r x src", [("/ws/sub/x", True), ("/ws/sub/src", True)]),
        ("cd sub; rg x", [("/ws", False), ("/ws/sub", False)]),
        ("find . -name x", []),
        ("git status", []),
    ],
)
def test_which_folders_a_line_searches(line: str, found: list[tuple[str, bool]]) -> None:
    assert [(it.folder, it.hidden) for it in searched(read_line(line), GROUND)] == found
    assert all(isinstance(it, Searched) for it in searched(read_line(line), GROUND))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = ["a.py", ".env", "src/b.py", "private/c.txt", "node_modules/x/test.pem", "lib/server.key", "out/d.txt"]
    for name in files:
        path = tmp_path / "ws" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("KEY\n")
    (tmp_path / "ws" / "links").symlink_to("/etc")
    return tmp_path / "ws"


def decided(
    folder: Path, line: str, mode: str = "default", rules: dict[str, list[str]] | None = None
) -> tuple[str, str]:
    world = World({}, "/home/u", "/home/u/.claw", str(folder))
    given: dict[str, Any] = {"tool": "Bash", "input": {"command": line}, "cwd": str(folder), "permissions": rules or {}}
    answer = checked_line(world, json.dumps(given | {"mode": mode}))
    return answer["decision"], answer["reason"]


@pytest.mark.parametrize(
    ("line", "decision"),
    [
        ("grep -rn KEY .", "ask"),
        ("grep -rn KEY", "ask"),
        ("grep -rn KEY src", "allow"),
        ("grep -rn KEY lib", "ask"),
        ("grep -rn KEY node_modules", "allow"),
        ("grep -n KEY a.py", "allow"),
        ("rg KEY src", "allow"),
        ("rg KEY", "ask"),
        ("rg KEY out private", "allow"),
        ("rg --hidden KEY out", "allow"),
        ("ls -la | grep KEY", "allow"),
    ],
)
def test_a_search_that_would_show_secrets_is_asked_about(folder: Path, line: str, decision: str) -> None:
    found, reason = decided(folder, line)
    assert found == decision
    assert ("may hold secrets" in reason) == (decision == "ask")


@pytest.mark.parametrize("behavior", ["deny", "ask"])
@pytest.mark.parametrize("line", ["grep -rn KEY .", "rg KEY", "rg KEY private", "nice grep -r KEY private"])
def test_what_a_rule_keeps_back_is_shown_by_no_search_unasked(folder: Path, line: str, behavior: str) -> None:
    (folder / ".env").unlink()
    (folder / "lib" / "server.key").unlink()
    rules = {behavior: ["Read(private/**)"], "allow": ["Bash"]}
    for mode in ("default", "bypassPermissions"):
        found, reason = decided(folder, line, mode, rules)
        assert found in ("ask", behavior), mode
        assert "private" in reason
    assert decided(folder, line, rules={"allow": ["Bash"]})[0] == "allow"
    assert decided(folder, "rg KEY src", rules=rules)[0] == "allow"


def test_many_files_are_looked_at_in_bounds_and_links_not_followed(folder: Path) -> None:
    assert files_below(str(folder), lambda path: "hosts" in path, OTHERS) == ()
    assert len(files_below("/usr/lib", lambda path: path.endswith(".so"), OTHERS)) <= 5
    assert files_below(str(folder / "gone"), lambda path: True, OTHERS) == ()
