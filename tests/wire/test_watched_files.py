"""Files that hooks want watched, and folders that the editor adds: what FileChanged and DirectoryAdded hooks hear."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from door_desk import Visit, visiting
from test_door_hook_events import answering, heard, noting
from test_door_hooks import command, configure

from claw_lsp.core.hooks import occasions
from claw_lsp.core.hooks.choosing import chosen, watched_names
from claw_lsp.facts.hook import Hook
from claw_lsp.facts.settings import Settings
from claw_lsp.testing.scripted_model import says


def happened(notes: Path) -> list[tuple[str, str]]:
    return [(Path(it["file_path"]).name, it["event"]) for it in heard(notes)]


async def changed_until(visit: Visit, name: str, notes: Path) -> None:
    """Write the file, anew each half second, until hooks heard of it: nobody says when a file begins to be watched."""
    for text in range(120):
        visit.write(name, f"{text}\n")
        for _ in range(10):
            if (Path(name).name, "change") in happened(notes):
                return
            await asyncio.sleep(0.05)
    raise AssertionError(f"hooks heard only {heard(notes)}")


async def test_hooks_hear_that_a_file_they_name_came_changed_and_went(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    async with visiting(tmp_path, says("Hello.")) as visit:
        configure(visit, {"FileChanged": command(noting(notes), ".envrc|other.txt")})
        await visit.turn("claw.ask", prompt="hi")
        visit.write("xenvrc", "its name is not the one")
        await changed_until(visit, ".envrc", notes)
        Path(visit.path(".envrc")).unlink()
        await visit.until(lambda: (".envrc", "unlink") in happened(notes))
        visit.write(".envrc", "there again")
        await visit.until(lambda: (".envrc", "add") in happened(notes))
        assert {name for name, _ in happened(notes)} == {".envrc"}


async def test_paths_that_a_hook_names_are_watched_and_the_next_answer_replaces_them(tmp_path: Path) -> None:
    notes, one, two = tmp_path / "notes", tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text("1")
    async with visiting(tmp_path, says("Hello.")) as visit:
        hooks = {
            "SessionStart": command(answering("SessionStart", watchPaths=[str(one)])),
            "FileChanged": command(noting(notes, answering("FileChanged", watchPaths=[str(two)]))),
        }
        configure(visit, hooks)
        begun = await visit.turn("claw.ask", prompt="hi")
        await changed_until(visit, str(one), notes)
        assert visit.server.door is not None
        session = visit.server.door.house.sessions.opened[begun["session"]]
        await visit.until(lambda: session.watches == (str(two),))
        await changed_until(visit, str(two), notes)


async def test_nothing_is_watched_while_no_hook_wants_it(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello.")) as visit:
        configure(visit, {"Stop": command("true")})
        await visit.turn("claw.ask", prompt="hi")
        assert "watching files for hooks" not in {it.get_name() for it in asyncio.all_tasks()}


async def test_a_folder_that_the_editor_adds_is_told(tmp_path: Path) -> None:
    notes, other = tmp_path / "notes", tmp_path / "other"
    other.mkdir()
    async with visiting(tmp_path, says("Hello.")) as visit:
        configure(visit, {"DirectoryAdded": command(noting(notes))})
        await visit.turn("claw.ask", prompt="hi")
        event: dict[str, Any] = {"added": [{"uri": other.as_uri(), "name": "other"}], "removed": []}
        visit.client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        await visit.until(lambda: bool(heard(notes)))
        assert (heard(notes)[0]["directory"], heard(notes)[0]["source"]) == (str(other), "register_repo_root")


def test_names_of_files_are_taken_literally() -> None:
    hooks = tuple(
        Hook(type="command", event="FileChanged", matcher=it, command=it or "every") for it in (".env|a+b.txt", "*", "")
    )
    settings = Settings(hooks=hooks)
    assert watched_names(settings) == (".env", "a+b.txt")
    for path, n in (("/w/.env", 3), ("/w/xenv", 2), ("/w/a+b.txt", 3), ("/w/aab.txt", 2)):
        assert len(chosen(settings, occasions.file_changed(path, "add"))) == n
