"""What a real server says to ids of nothing, to files that went away, and to a client that answers rubbish: nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from person import Person, edits
from process_desk import Server, places, provider, serving

from claw_lsp.testing.wire import WireError

CALC = "def add(a, b):\n    return a - b\n"
FIXED = CALC.replace("a - b", "a + b")
ASKED = (
    "window/showMessageRequest",
    "window/showDocument",
    "window/workDoneProgress/create",
    "workspace/configuration",
)


async def refused(server: Server, name: str, **arguments: Any) -> str:
    with pytest.raises(WireError) as refusal:
        await server.command(name, **arguments)
    return refusal.value.message


async def changed(person: Person, file: Path) -> dict[str, Any]:
    """The file with one change of Claw's in it, saved; the hunk."""
    server, editor = person.server, person.server.editor
    editor.open(str(file), language="python")
    server.auto = "Allow once"
    assert (await person.turn("mend it", uri=editor.uri(str(file))))["stopped"] == "done"
    editor.save(str(file))
    assert file.read_text() == FIXED
    (hunk,) = await person.hunks()
    return hunk


async def test_unknown_ids_and_fields_are_named(tmp_path: Path) -> None:
    async with provider() as api, serving(tmp_path, api) as server:
        for name in ("claw.keep", "claw.undo", "claw.apply", "claw.dismiss"):
            said = await refused(server, name, hunk="no-such-hunk")
            assert "'no-such-hunk' (claw.hunks lists them)" in said
            assert "expected one of hunk, uri, prompt_id or all, found none of them" in await refused(server, name)
            assert "found hunk and all" in await refused(server, name, hunk="x", all=True)
            assert "hunk: input should be a valid string" in await refused(server, name, hunk=7)
            said = await refused(server, name, prompt_id="no-such-prompt")
            assert "'no-such-prompt' (claw.hunks lists them)" in said
        assert "'nobody' (claw.questions lists them)" in await refused(
            server, "claw.answer", question="nobody", choice="once"
        )
        assert "choice" in await refused(server, "claw.answer", question="nobody")
        assert (await server.command("claw.hunks", uri="file:///nowhere/at/all.py"))["hunks"] == []


@pytest.mark.parametrize("gone", ["deleted", "renamed"])
async def test_a_change_in_a_file_that_went_away_says_so_and_can_still_be_kept(tmp_path: Path, gone: str) -> None:
    file = places(tmp_path)[0] / "calc.py"
    file.write_text(CALC)
    async with provider(*edits(file, ("a - b", "a + b"))) as api, serving(tmp_path, api) as server:
        person = Person(server)
        hunk = await changed(person, file)
        server.editor.close(str(file))
        other = file.with_name("sums.py")
        file.rename(other)
        if gone == "deleted":
            other.unlink()
        said = await refused(server, "claw.undo", hunk=hunk["hunk"])
        assert "calc.py was deleted or renamed since Claw changed it" in said
        assert not file.exists()
        assert gone == "deleted" or other.read_text() == FIXED
        everything = await server.command("claw.undo", all=True)
        assert everything["undone"] == []
        assert "deleted or renamed" in everything["conflicts"][0]["why"]
        assert (await server.command("claw.keep", hunk=hunk["hunk"]))["kept"] == [hunk["hunk"]]
        assert await person.hunks() == []


async def test_a_change_in_a_closed_file_is_reverted_there(tmp_path: Path) -> None:
    file = places(tmp_path)[0] / "calc.py"
    file.write_text(CALC)
    async with provider(*edits(file, ("a - b", "a + b"))) as api, serving(tmp_path, api) as server:
        person = Person(server)
        hunk = await changed(person, file)
        server.editor.close(str(file))
        assert (await server.command("claw.undo", hunk=hunk["hunk"]))["undone"] == [hunk["hunk"]]
        assert server.editor.text(str(file)) == CALC
        assert "was reverted already" in await refused(server, "claw.undo", hunk=hunk["hunk"])
        assert "was reverted already" in await refused(server, "claw.keep", hunk=hunk["hunk"])


@pytest.mark.parametrize(
    "rubbish", [7, "yes", [None], {"title": 5, "applied": "maybe", "success": []}, True], ids=json.dumps
)
async def test_a_client_that_answers_rubbish_loses_comfort_and_no_text(tmp_path: Path, rubbish: Any) -> None:
    file = places(tmp_path)[0] / "calc.py"
    file.write_text(CALC)
    path = str(file)
    steps = (*edits(file, ("a - b", "a + b")), *edits(file, ("a - b", "a + b")))
    async with provider(*steps) as api, serving(tmp_path, api) as server:
        person, editor = Person(server), server.editor
        for method in (*ASKED, "workspace/applyEdit"):
            editor.answer[method] = lambda _: rubbish
        editor.open(path, language="python")
        begun = await server.command("claw.ask", prompt="mend it", uri=editor.uri(path))
        (waiting,) = await person.questions()
        await person.told(path, "Answer with a code action here")
        await server.command("claw.answer", question=waiting["question"], choice="once")
        assert (await server.command("claw.wait", run=begun["run"]))["stopped"] == "done"
        assert editor.text(path) == CALC == file.read_text()
        assert "Nothing was changed, and nothing was written to disk." in api.requests[2].tool_results
        assert await person.hunks() == []
        chat = await server.command("claw.chat", session=begun["session"])
        assert Path(chat["path"]).exists()
        del editor.answer["workspace/applyEdit"]
        editor.answer["window/showMessageRequest"] = server.put
        server.auto = "Allow once"
        assert (await person.turn("again", session=begun["session"], uri=editor.uri(path)))["stopped"] == "done"
        assert editor.text(path) == FIXED
    assert not api.unexpected
