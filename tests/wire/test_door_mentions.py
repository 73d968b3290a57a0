"""What a prompt mentions goes to the model with it, under the rules that hold for its own reading."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from door_desk import Visit, visiting

from claw_lsp.core.chat.marks import parse
from claw_lsp.core.chat.writer import render
from claw_lsp.facts.event import UserSpoke
from claw_lsp.facts.request import Request
from claw_lsp.testing.scripted_model import says

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def blocks(request: Request) -> list[dict[str, Any]]:
    """What the first message holds behind the environment."""
    return list(request.messages[0]["content"])[1:]


def texts(request: Request) -> list[str]:
    return [it["text"] for it in blocks(request) if it["type"] == "text"]


async def asks(visit: Visit, words: str) -> UserSpoke:
    """Ask, and see what was written of it."""
    ended = await visit.turn("claw.ask", prompt=words)
    return next(it.event for it in visit.log(ended["session"]) if isinstance(it.event, UserSpoke))


async def test_a_file_goes_along_as_its_buffer_is_and_counts_as_read(tmp_path: Path) -> None:
    edit = ("c1", "Edit", {"file_path": "a.py", "old_string": "x = 3", "new_string": "x = 4"})
    async with visiting(tmp_path, says("", edit), says("Done."), auto="Allow once") as visit:
        visit.open("a.py", "x = 3\n", on_disk="x = 1\n")
        spoken = await asks(visit, "mend @a.py")
        assert visit.text("a.py") == "x = 4\n"
        assert spoken.along == ("@a.py (1 line)", "a.py")
        assert texts(visit.model.requests[0])[1] == (
            "@a.py (Read a.py), as data:\n```\n"
            "[Open in the editor with unsaved changes; this is the buffer's text.]\n1\tx = 3\n```"
        )


async def test_lines_and_quoted_paths(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Ok.")) as visit:
        visit.write("my notes.md", "one\ntwo\nthree\nfour\n")
        spoken = await asks(visit, 'see @"my notes.md":2-3')
        assert "2\ttwo\n3\tthree\n" in texts(visit.model.requests[0])[1]
        assert "1\tone" not in texts(visit.model.requests[0])[1]
        assert spoken.along == ('@"my notes.md":2-3 (2 lines)',)


async def test_a_folder_is_listed_and_an_image_is_shown(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Ok.")) as visit:
        visit.write("src/a.py", "")
        visit.write("src/b.py", "")
        Path(visit.path("p.png")).write_bytes(PIXEL)
        await asks(visit, "what of @src/ and @p.png?")
        request = visit.model.requests[0]
        assert {"src/a.py", "src/b.py"} <= set(texts(request)[1].split("\n"))
        image = next(it for it in blocks(request) if it["type"] == "image")
        assert image["source"] | {"data": ""} == {"type": "base64", "media_type": "image/png", "data": ""}


async def test_words_that_name_nothing_stay_words(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Ok.")) as visit:
        spoken = await asks(visit, "mail a@b.example about @media, @Override, @symbol:Nowhere and @session:nope `@x`")
        assert len(texts(visit.model.requests[0])) == 1
        assert spoken.along == ()


async def test_what_the_rules_keep_from_the_model_is_not_sent_and_the_person_is_told(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Ok.")) as visit:
        visit.write("private/a.txt", "hidden words")
        visit.write("odd.txt", "odd words")
        visit.write(".env", "KEY=1")
        rules = {"permissions": {"deny": [f"Read(/{visit.path('private')}/**)"], "ask": ["Read(./odd.txt)"]}}
        visit.write(".claw/settings.json", json.dumps(rules))
        spoken = await asks(visit, "see @private/a.txt, @odd.txt and @.env")
        sent = json.dumps(visit.model.requests[0].messages)
        assert not any(it in sent for it in ("hidden words", "odd words", "KEY=1"))
        assert [it.split(" (")[0] for it in spoken.along] == [
            "not sent: @private/a.txt",
            "not sent: @odd.txt",
            "not sent: @.env",
        ]
        visit.hear()
        told = [it["message"] for it in visit.messages]
        assert sum("not sent: @" in it for it in told) == 3


async def test_a_secret_file_is_sent_where_the_rules_allow_it_too(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Ok.")) as visit:
        visit.write(".env", "KEY=1")
        own = visit.home / "claw" / "settings.json"
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(json.dumps({"permissions": {"allow": [f"Read(/{visit.path('.env')})"]}}))
        await asks(visit, "see @.env")
        assert "KEY=1" in texts(visit.model.requests[0])[1]


async def test_a_file_outside_the_workspace_is_read_because_it_was_named(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Ok.")) as visit:
        other = tmp_path / "elsewhere.txt"
        other.write_text("from elsewhere")
        await asks(visit, f"see @{other}")
        assert "from elsewhere" in texts(visit.model.requests[0])[1]
        assert visit.boxes == []


async def test_buffers_symbols_and_sessions(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("It counts."), says("Ok.")) as visit:
        visit.open("calc.py", on_disk="import os\n\n\ndef total(items):\n    return 1\n")
        first = await visit.turn("claw.ask", prompt="what does it do?")
        state = {"uri": visit.uri("calc.py"), "selection": None, "visible": [visit.uri("calc.py")]}
        visit.client.notify("claw/editorState", state)
        await asks(visit, f"@buffers @symbol:total @session:{first['session']}")
        buffers, places, definition, session, _ = texts(visit.model.requests[1])[1:]
        assert "calc.py (before the person now)" in buffers
        assert "calc.py:4: function total" in places
        assert "4\tdef total(items):" in definition
        assert "what does it do?\n\nIt counts." in session


async def test_diagnostics_come_from_the_shim_or_from_what_the_client_sent(tmp_path: Path) -> None:
    complaint = {
        "range": {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 3}},
        "message": "undefined name",
        "severity": 1,
        "source": "ruff",
    }
    async with visiting(tmp_path, says("Ok."), says("Ok.")) as visit:
        path = visit.open("calc.py", on_disk="a\nb\n")
        await visit.actions("calc.py", 2, diagnostics=[complaint])
        await asks(visit, "mend @diagnostics:calc.py")
        assert "calc.py:2: error: undefined name (ruff)" in texts(visit.model.requests[0])[1]
        visit.editor.type(path, 0, "# ")
        await asks(visit, "mend @diagnostics")
        assert "(none)" in texts(visit.model.requests[1])[1]


async def test_what_went_along_stands_in_the_chat_and_is_written_anew_from_the_log(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Ok.")) as visit:
        visit.write("a.py", "x = 1\n")
        opened = await visit.command("claw.chat")
        path = opened["path"]
        visit.editor.type(path, len(visit.text(path)), "mend @a.py")
        answer = await visit.command("claw.send", uri=visit.uri(path))
        await visit.end(answer["run"])
        await visit.until(lambda: visit.text(path) == render(visit.log(opened["session"])))
        assert "- @a.py (1 line)\n\nOk." in visit.text(path)
        assert parse(visit.text(path)).words == ""
