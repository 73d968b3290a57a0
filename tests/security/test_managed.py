"""Managed settings: the strongest layer, if nobody but root can have written them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from claw_lsp.adapters.settings.layers import Loaded, load
from claw_lsp.adapters.settings.managed import Managed, managed
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.settings import Settings

POLICY = {"model": "haiku", "permissions": {"deny": ["WebFetch"], "allow": ["Bash(make *)"], "defaultMode": "plan"}}


def policy(root: Path, data: object = POLICY, name: str = "managed-settings.json") -> Path:
    path = root / "etc" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    path.chmod(0o644)
    return path


def loaded(root: Path, command_line: dict[str, Any] | None = None) -> Loaded:
    return load(
        home=str(root / "home"),
        claw_home=str(root / "home" / ".claw"),
        folder=str(root),
        command_line=command_line or {},
        editor={},
        policy=managed((str(root / "etc"),), owner=os.geteuid()),
    )


def test_managed_settings_win_over_every_other_and_their_rules_count(tmp_path: Path) -> None:
    policy(tmp_path)
    policy(tmp_path, {"permissions": {"deny": ["WebSearch"]}}, "managed-settings.d/10-more.json")
    found = loaded(tmp_path, {"model": "opus", "permissions": {"defaultMode": "acceptEdits", "allow": ["Edit"]}})
    assert (found.settings.model, found.settings.mode, found.problems) == ("haiku", Mode.PLAN, ())
    assert [(it.behavior, it.text, it.source) for it in found.settings.rules] == [
        ("allow", "Edit", "command line"),
        ("deny", "WebFetch", "managed"),
        ("allow", "Bash(make *)", "managed"),
        ("deny", "WebSearch", "managed"),
    ]


@pytest.mark.security_case("C20")
@pytest.mark.parametrize("who", ["file", "folder", "folder above", "link"])
def test_c20_a_policy_that_others_can_write_does_not_count_and_that_is_said(tmp_path: Path, who: str) -> None:
    path = policy(tmp_path)
    match who:
        case "file":
            path.chmod(0o666)
        case "folder":
            path.parent.chmod(0o777)
        case "folder above":
            tmp_path.chmod(0o777)
        case _:
            elsewhere = tmp_path / "open" / "policy.json"
            elsewhere.parent.mkdir()
            elsewhere.write_text(path.read_text())
            elsewhere.parent.chmod(0o777)
            path.unlink()
            path.symlink_to(elsewhere)
    found = loaded(tmp_path)
    assert found.settings == Settings()
    (problem,) = found.problems
    assert problem.path == str(path)
    assert "Others than root may write to" in problem.message
    assert "chmod go-w" in problem.message


def test_a_policy_of_another_user_does_not_count(tmp_path: Path) -> None:
    path = policy(tmp_path)
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
    found = managed((str(path.parent),), owner=0)
    assert found.files == ()
    assert list(found.faults) == [path]


def test_a_policy_that_is_not_there_is_no_problem(tmp_path: Path) -> None:
    assert loaded(tmp_path) == Loaded(Settings())
    assert managed((str(tmp_path / "etc"), "/nonexistent")) == Managed()
