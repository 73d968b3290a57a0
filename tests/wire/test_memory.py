"""Notes for later sessions through the whole door: proposed, applied by the person, told as data; and what shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from claw_lsp.core.policy.notes import slug
from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import CLIENT_NAMES, Visit, refused, visiting

NOTE = "Tests run with nox."


def remembers(text: str = NOTE, **more: Any) -> tuple[Any, ...]:
    return says("Noting it.", ("r1", "Remember", {"text": text, **more})), says("Proposed.")


def notes(visit: Visit) -> Path:
    return visit.home / "claw" / "projects" / slug(str(visit.root)) / "memory" / "MEMORY.md"


def first_words(visit: Visit, request: int = -1) -> str:
    """What the first message of a request says, as one text."""
    return "\n".join(it["text"] for it in visit.model.requests[request].messages[0]["content"])


def unmarked(messages: tuple[Any, ...]) -> list[Any]:
    """The messages without what only marks them for the cache."""
    return [
        {
            **it,
            "content": [
                {name: part for name, part in block.items() if name != "cache_control"} for block in it["content"]
            ],
        }
        for it in messages
    ]


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_a_note_is_in_no_file_until_the_person_applies_it_and_then_the_next_session_knows_it(
    like: str, tmp_path: Path
) -> None:
    async with visiting(tmp_path, *remembers(), says("Yes."), like=like) as visit:
        begun = await visit.turn("claw.ask", prompt="remember how tests are run")
        assert (begun["stopped"], visit.boxes, notes(visit).exists()) == ("done", [], False)
        (hunk,) = (await visit.command("claw.hunks"))["hunks"]
        assert (hunk["uri"], hunk["state"]) == (visit.editor.uri(str(notes(visit))), "proposed")
        shown = await visit.command("claw.memory")
        assert [it["waiting"] for it in shown["notes"]] == [0, 1]
        assert f"There is no {notes(visit)} yet." in (await visit.command("claw.memory", file="MEMORY.md"))["text"]
        applied = await visit.command("claw.apply", hunk=hunk["hunk"])
        assert applied["applied"] == [hunk["hunk"]]
        text = f"# Notes for later sessions\n\n- {NOTE}\n"
        on_disk = notes(visit).read_text("utf-8")
        assert on_disk == text or (visit.text(str(notes(visit))) == text and "Save" in applied["text"])
        await visit.turn("claw.ask", prompt="how are tests run?")
        told = first_words(visit)
        assert told.index("as data: they may be out of date") < told.index(f"- {NOTE}")
        assert visit.log(begun["session"])[0].event.kind == "session_started"


async def test_a_note_that_is_applied_is_no_news_to_the_session_that_wrote_it(tmp_path: Path) -> None:
    async with visiting(tmp_path, *remembers(), says("Thanks.")) as visit:
        begun = await visit.turn("claw.ask", prompt="remember how tests are run")
        await visit.command("claw.apply", all=True)
        await visit.turn("claw.ask", prompt="thanks", session=begun["session"])
        assert "instructed" not in visit.kinds(begun["session"])


async def test_a_note_of_the_persons_is_told_wherever_they_work_and_a_dismissed_one_nowhere(tmp_path: Path) -> None:
    everywhere = tmp_path / "home/claw/memory/MEMORY.md"
    steps = (*remembers("Be short.", scope="user"), *remembers("Be long.", scope="user"), says("Yes."))
    async with visiting(tmp_path, *steps) as visit:
        begun = await visit.turn("claw.ask", prompt="remember that I like it short")
        await visit.command("claw.apply", all=True)
        assert visit.text(str(everywhere)) == "# Notes for later sessions\n\n- Be short.\n"
        await visit.turn("claw.ask", prompt="or rather long", session=begun["session"])
        await visit.command("claw.dismiss", all=True)
        await visit.turn("claw.ask", prompt="hello")
        assert "- Be short." in first_words(visit)
        assert "- Be long." not in first_words(visit)


async def test_without_automatic_memory_nothing_is_told_and_there_is_no_tool(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hello."), introduction={}) as visit:
        notes(visit).parent.mkdir(parents=True)
        notes(visit).write_text("- a note\n")
        visit.write(".claw/settings.json", '{"autoMemoryEnabled": false}')
        await visit.turn("claw.ask", prompt="hello")
        request = visit.model.requests[0]
        assert "Remember" not in [it["name"] for it in request.tools]
        assert "a note" not in first_words(visit)
        assert "Off (`autoMemoryEnabled`)" in (await visit.command("claw.memory"))["text"]


async def test_the_page_lists_what_is_in_force_with_where_it_lies_and_why(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Reading.", ("r1", "Read", {"file_path": "web/a.ts"})), says("Read.")) as visit:
        visit.open("CLAUDE.md", "Be kind. See @docs/style.md and @gone.md.", on_disk="Old.")
        visit.write("docs/style.md", "Short.\n")
        visit.write("web/CLAUDE.md", "Tabs.\n")
        visit.write("web/a.ts", "a\n")
        before = await visit.command("claw.memory")
        assert [it["why"] for it in before["files"]] == [
            "the project's",
            f"the project's, imported by {visit.path('CLAUDE.md')}",
        ]
        await visit.turn("claw.ask", prompt="look at it")
        page = await visit.command("claw.memory")
        assert page["shown"] is True
        assert (
            page["text"]
            == f"""# Memory

What the model is told of how to work here, the more general first.

- [`CLAUDE.md`]({visit.uri("CLAUDE.md")}) (the project's; 1 line, 41 characters, as in the editor)
- [`docs/style.md`]({visit.uri("docs/style.md")}) (the project's, imported by CLAUDE.md; 1 line, 6 characters)

## Told since, because a file was touched

- [`web/CLAUDE.md`]({visit.uri("web/CLAUDE.md")}) (the project's; 1 line, 5 characters)

## Notes of the agent's

- `~/claw/memory/MEMORY.md`, not there yet
- `~/claw/projects/{slug(str(visit.root))}/memory/MEMORY.md`, not there yet

## Left out

- {visit.path("CLAUDE.md")} imports gone.md, but there is no {visit.path("gone.md")}.
"""
        )
        opened = await visit.command("claw.memory", file="web/CLAUDE.md")
        assert visit.requested("window/showDocument")[-1]["uri"] == visit.uri("web/CLAUDE.md")
        assert opened["shown"] is True
        assert "found 'nothing.md'" in str(await refused(visit, "claw.memory", file="nothing.md"))


async def test_what_changed_in_the_buffer_is_told_behind_what_was_sent_and_once(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("One."), says("Two."), says("Three.")) as visit:
        path = visit.open("CLAUDE.md", on_disk="Use tabs.\n")
        begun = await visit.turn("claw.ask", prompt="hello")
        visit.editor.replace(path, 4, 8, "spaces")
        for prompt in ("again", "and again"):
            await visit.turn("claw.ask", prompt=prompt, session=begun["session"])
        first, second, third = (unmarked(it.messages) for it in visit.model.requests)
        assert second[: len(first)] == first
        assert third[: len(second)] == second
        news = "\n".join(it["text"] for it in second[-1]["content"])
        assert "This file changed since you were told of it" in news
        assert "Use spaces." in news
        assert "This file changed" not in str(third[-1])


async def test_init_reads_the_project_and_writes_claw_md_in_the_chat_it_was_asked_in(tmp_path: Path) -> None:
    steps = (says("Writing.", ("w1", "Write", {"file_path": "CLAW.md", "content": "# Notes\n"})), says("It says how."))
    async with visiting(tmp_path, *steps, auto="Allow once") as visit:
        chat = await visit.command("claw.chat")
        text = visit.text(chat["path"])
        visit.editor.replace(chat["path"], len(text), len(text), "/init with the tests first")
        answer = await visit.command("claw.send", uri=visit.uri(chat["path"]))
        assert answer["text"] == "Claw reads the project and writes CLAW.md."
        await visit.until(lambda: "turn_ended" in visit.kinds(chat["session"]))
        assert "The person adds: with the tests first" in first_words(visit, 0)
        await visit.settle()
        assert visit.text("CLAW.md") == "# Notes\n"
        assert "It says how." in visit.text(chat["path"])


async def test_what_could_not_be_read_is_said_once(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("One."), says("Two.")) as visit:
        visit.write("CLAW.md", "@gone.md @lost.md")
        for prompt in ("hello", "hello again"):
            await visit.turn("claw.ask", prompt=prompt)
        await visit.settle()
        said = [it["message"] for it in visit.messages if "gone.md" in it["message"]]
        assert said == [
            f"{visit.path('CLAW.md')} imports gone.md, but there is no {visit.path('gone.md')}. And 1 more file."
            " claw.memory shows what is in force."
        ]


NO_FOLDER = {"workspaceFolders": None, "rootUri": None, "rootPath": None}


async def test_a_session_without_a_folder_is_told_what_changed_like_any_other(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("One."), says("Two."), introduction=NO_FOLDER) as visit:
        visit.write(str(visit.home / "claw" / "CLAW.md"), "Use tabs.\n")
        begun = await visit.turn("claw.ask", prompt="hello")
        assert "Use tabs." in first_words(visit, 0)
        visit.write(str(visit.home / "claw" / "CLAW.md"), "Use four spaces.\n")
        await visit.turn("claw.ask", prompt="again", session=begun["session"])
        news = "\n".join(it["text"] for it in visit.model.requests[1].messages[-1]["content"])
        assert "This file changed since you were told of it" in news
        assert "Use four spaces." in news


async def test_unsaved_buffers_of_instructions_count_at_every_level_and_with_what_they_import(tmp_path: Path) -> None:
    read = says("", ("r1", "Read", {"file_path": "web/a.py"}))
    async with visiting(tmp_path, read, says("One.")) as visit:
        visit.write("web/a.py", "x = 1\n")
        mine, notes_here = str(visit.home / "claw" / "CLAW.md"), str(notes(visit))
        for name, unsaved in (
            (mine, "MINE in the editor"),
            ("CLAW.md", "PROJECT in the editor @docs/style.md"),
            ("docs/style.md", "STYLE in the editor @more.md"),
            ("docs/more.md", "MORE in the editor"),
            ("CLAW.local.md", "LOCAL in the editor"),
            (".claw/rules/tests.md", "RULE in the editor"),
            ("web/CLAUDE.md", "WEB in the editor"),
            (notes_here, "NOTE in the editor"),
        ):
            visit.open(name, unsaved, on_disk="as saved")
        visit.editor.open(visit.path("AGENTS.md"), "nobody asked", "markdown")
        await visit.turn("claw.ask", prompt="hello")
        told = first_words(visit, 0)
        for word in ("MINE", "PROJECT", "STYLE", "MORE", "LOCAL", "RULE", "NOTE"):
            assert f"{word} in the editor" in told
        assert "as saved" not in told
        assert "nobody asked" not in told
        assert "WEB in the editor" not in told
        assert "WEB in the editor" in str(visit.model.requests[1].messages)
