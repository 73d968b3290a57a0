"""Settings files that change while ConfigChange hooks are in force: what counts meanwhile, and after they answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from door_desk import Visit, visiting
from hypothesis import given
from hypothesis import strategies as st
from test_door_hook_events import heard, noting
from test_door_hooks import command, configure

from claw_lsp.adapters.settings.gate import Gate
from claw_lsp.testing.scripted_model import says


def replaces(visit: Visit, name: str, text: str) -> str:
    """Write a file in one step: none is seen half written, which would be a change of its own."""
    return str(Path(visit.write(f"{name}.new", text)).replace(visit.path(name)))


async def comes_true(visit: Visit, of: Callable[[Any], Any]) -> None:
    """Once this is so of the settings in force."""
    async with asyncio.timeout(60):
        while not of(await in_force(visit)):
            await asyncio.sleep(0.01)


async def in_force(visit: Visit) -> Any:
    assert visit.server.door is not None
    return await visit.server.door.settings_in(str(visit.root))


async def test_a_change_that_a_hook_refuses_does_not_count_until_the_file_changes_again(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    async with visiting(tmp_path, says("Hello.")) as visit:
        refuse = "echo ask me first >&2; exit 2"
        hooks = {"ConfigChange": command(noting(notes, refuse), "project_settings")}
        configure(visit, hooks)
        local = replaces(visit, ".claude/settings.json", '{"maxTurns": 5}')
        await visit.turn("claw.ask", prompt="hi")
        replaces(visit, ".claude/settings.json", '{"maxTurns": 50}')
        await visit.until(lambda: visit.hear() or any("ask me first" in it["message"] for it in visit.messages))
        assert (await in_force(visit)).max_turns == 5
        [told] = heard(notes)
        assert (told["source"], told["file_path"], told["hook_event_name"]) == (
            "project_settings",
            local,
            "ConfigChange",
        )
        replaces(visit, ".claude/settings.json", '{"maxTurns": 5, "language": "French"}')
        await visit.until(lambda: len(heard(notes)) == 2)
        assert (await in_force(visit)).language is None


async def test_a_change_that_no_hook_refuses_counts_and_so_does_one_that_takes_the_hooks_away(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    async with visiting(tmp_path, says("Hello.")) as visit:
        configure(visit, {"ConfigChange": command(noting(notes))})
        await visit.turn("claw.ask", prompt="hi")
        replaces(visit, ".claude/settings.json", '{"maxTurns": 7}')
        await visit.until(lambda: len(heard(notes)) == 1)
        await comes_true(visit, lambda it: it.max_turns == 7)
        replaces(visit, str(visit.home / "claw" / "settings.json"), "{}")
        await visit.until(lambda: len(heard(notes)) == 2)
        assert [it["source"] for it in heard(notes)] == ["project_settings", "user_settings"]
        await comes_true(visit, lambda it: not it.hooks)
        replaces(visit, ".claude/settings.json", '{"maxTurns": 8}')
        await comes_true(visit, lambda it: it.max_turns == 8)
        assert len(heard(notes)) == 2


async def test_the_person_may_change_the_hooks_and_they_are_asked_before_they_are_gone(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello.")) as visit:
        configure(visit, {"ConfigChange": command("echo 'hands off' >&2; exit 2", "user_settings")})
        await visit.turn("claw.ask", prompt="hi")
        replaces(visit, str(visit.home / "claw" / "settings.json"), "{}")
        await visit.until(lambda: visit.hear() or any("hands off" in it["message"] for it in visit.messages))
        assert [it.event for it in (await in_force(visit)).hooks] == ["ConfigChange"]


def test_what_is_managed_counts_at_once_and_is_told_all_the_same() -> None:
    gate = Gate()
    gate.guard("/w", hooked=True)
    assert gate.passed("/etc/m.json", "managed", "old") == "old"
    assert gate.passed("/etc/m.json", "managed", "new") == "new"
    [change] = gate.waiting()
    assert (change.source, change.text) == ("policy_settings", "new")
    gate.refuse(change)
    assert gate.passed("/etc/m.json", "managed", "new") == "new"
    assert gate.waiting() == ()


TEXTS = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1)


@given(TEXTS)
def test_without_hooks_every_change_counts_at_once(texts: list[str | None]) -> None:
    gate = Gate()
    for text in texts:
        assert gate.passed("/w/s.json", "user", text) == text
        assert gate.waiting() == ()


@given(TEXTS, st.lists(st.sampled_from(["admit", "refuse", "later"])))
def test_with_hooks_nothing_counts_but_what_was_there_first_or_was_admitted(
    texts: list[str | None], does: list[str]
) -> None:
    gate = Gate()
    gate.guard("/w", hooked=True)
    admitted = {texts[0]}
    last = texts[0]
    for text, do in zip(texts, ["later", *does], strict=False):
        before = gate.passed("/w/s.json", "local", text)
        assert before in admitted
        assert before == last
        waiting = gate.waiting()
        assert [it.text for it in waiting] in ([], [text])
        if waiting and do == "admit":
            gate.admit(waiting[0])
            admitted.add(text)
            last = text
        elif waiting and do == "refuse":
            gate.refuse(waiting[0])
        assert gate.passed("/w/s.json", "local", text) == last
        assert bool(gate.waiting()) is (bool(waiting) and do == "later")


def test_settings_that_the_command_line_names_pass_unasked() -> None:
    gate = Gate()
    gate.guard("/w", hooked=True)
    assert [gate.passed("/w/s.json", "command line", it) for it in ("a", "b")] == ["a", "b"]
    assert gate.waiting() == ()
