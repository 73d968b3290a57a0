"""Hooks in settings files: whose count, what is said of those that are wrong, who turns them off."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from claw_lsp.adapters.settings import Loaded, TrustRecord, load
from claw_lsp.adapters.settings.managed import Managed
from tests.wire.test_settings import Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def loaded(places: Places, policy: Managed) -> Loaded:
    return load(
        home=str(places.home),
        claw_home=str(places.claw_home),
        folder=str(places.folder),
        command_line={},
        editor={},
        policy=policy,
    )


def approve(places: Places, found: Loaded) -> None:
    """The person says yes to everything the folder asks for."""
    record = TrustRecord(str(places.home), str(places.claw_home), lambda _: found.sought, lambda: 0.0)
    asyncio.run(record.trust(str(places.folder), found.sought.items))


def test_hooks_of_all_layers_add_up_with_the_place_they_stand_at(places: Places) -> None:
    group = [{"matcher": "Edit", "hooks": [{"type": "command", "command": "lint"}]}]
    places.write("home/.claude/settings.json", {"hooks": {"PostToolUse": group}})
    places.write("home/.claw/settings.json", {"hooks": {"Stop": [{"hooks": [{"type": "prompt", "prompt": "Done?"}]}]}})
    found = places.load(editor={"hooks": {"Stop": group}})
    assert [
        (it.event, it.matcher, it.name, it.source, Path(it.file).parent.name, it.line) for it in found.settings.hooks
    ] == [
        ("PostToolUse", "Edit", "lint", "user", ".claude", 1),
        ("Stop", "", "Done?", "user", ".claw", 1),
    ]
    assert ["claw.hooks is not read" in it.message for it in found.problems] == [True]


def test_a_hook_of_a_folder_runs_once_it_was_approved_and_asks_again_once_it_changed(places: Places) -> None:
    hook = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "make test"}]}]}}
    places.write("project/.claude/settings.json", hook)
    before = places.load()
    assert before.settings.hooks == ()
    assert before.withheld == (f"{places.folder}/.claude/settings.json: hook Stop (make test)",)
    approve(places, before)
    assert [it.command for it in places.load().settings.hooks] == ["make test"]
    hook["hooks"]["Stop"][0]["hooks"][0]["command"] = "make evil"
    places.write("project/.claude/settings.json", hook)
    assert places.load().settings.hooks == ()


@pytest.mark.parametrize(
    ("hooks", "message", "in_force"),
    [
        ({"PostToolUsed": []}, "hooks.PostToolUsed: there is no such event; did you mean PostToolUse?", False),
        ({"Stop": {"hooks": []}}, "hooks.Stop: expected a list of groups", False),
        ({"Stop": [{"command": "x"}]}, 'hooks.Stop: expected {"matcher"', False),
        ({"PreToolUse": [{"matcher": "(", "hooks": []}]}, "hooks.PreToolUse.matcher: there is no ) for a (", False),
        ({"PreToolUse": [{"matcher": 3, "hooks": []}]}, "hooks.PreToolUse.matcher: expected a text", False),
        ({"Stop": [{"hooks": [{"type": "shell", "command": "x"}]}]}, "hooks.Stop.type: expected 'command'", False),
        ({"Stop": [{"hooks": [{"type": "command"}]}]}, "hooks.Stop: a hook of type command needs command", False),
        ({"Stop": [{"hooks": [{"type": "command", "command": "x", "timeout": -1}]}]}, "hooks.Stop.timeout: ", False),
        ({"Stop": [{"hooks": [{"type": "command", "command": "x", "colour": 1}]}]}, "hooks.Stop.colour: ", False),
        ({"Stop": [{"hooks": ["x"]}]}, "hooks.Stop: expected an object with type", False),
        ("lint", "hooks: expected an object", False),
        ({"Setup": [{"hooks": [{"type": "command", "command": "x"}]}]}, "does not have this event yet", True),
        ({"Stop": [{"hooks": [{"type": "agent"}]}]}, "hooks.Stop: a hook of type agent needs prompt", False),
        ({"Stop": [{"hooks": [{"type": "mcp_tool", "server": "s"}]}]}, "of type mcp_tool needs tool", False),
        (
            {"Stop": [{"hooks": [{"type": "command", "command": "x", "if": "Bash"}]}]},
            '"if" counts for events about',
            True,
        ),
        (
            {"PreToolUse": [{"hooks": [{"type": "command", "command": "x", "if": "("}]}]},
            '"if" is no permission rule',
            True,
        ),
    ],
)
def test_what_is_wrong_with_hooks_is_said_where_it_stands(
    places: Places, hooks: Any, message: str, *, in_force: bool
) -> None:
    good = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "good"}]}]}}
    places.write("home/.claude/settings.json", good)
    places.write("home/.claw/settings.json", {"hooks": hooks})
    found = places.load()
    (problem,) = found.problems
    assert message in problem.message
    assert problem.message.endswith("It is left out.") is not in_force
    assert problem.column > 1
    assert [it.command or it.prompt for it in found.settings.hooks] == (["good", "x"] if in_force else ["good"])


def test_hooks_are_turned_off_by_the_person_and_those_of_the_managed_by_these_alone(places: Places) -> None:
    hook = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "mine"}]}]}}
    theirs = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "theirs"}]}]}}
    places.write("home/.claw/settings.json", {**hook, "disableAllHooks": True})
    places.write("home/managed.json", theirs)
    policy = Managed(files=(places.home / "managed.json",))
    assert [it.command for it in loaded(places, policy).settings.hooks] == ["theirs"]
    places.write("home/managed.json", {**theirs, "disableAllHooks": True})
    assert loaded(places, policy).settings.hooks == ()


def test_a_folder_nobody_trusted_turns_no_hook_off(places: Places) -> None:
    hook = {"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": "guard"}]}]}}
    places.write("home/.claw/settings.json", hook)
    places.write("project/.claude/settings.json", {"disableAllHooks": True, "allowedHttpHookUrls": ["*"]})
    assert [it.command for it in places.load().settings.hooks] == ["guard"]
    assert places.load().settings.hook_urls is None
