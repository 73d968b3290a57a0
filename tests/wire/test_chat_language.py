"""The chat document as a document of a language, in every recorded client: completion, hover, symbols, folding, links."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from door_desk import CLIENT_NAMES, PLAIN, Visit, edits, runs, visiting, waits

from claw_lsp.core.chat import marks
from claw_lsp.core.chat.marks import parse
from claw_lsp.core.position import LineIndex
from claw_lsp.facts.rule import Mode
from claw_lsp.lsp.uris import path_of, uri_of
from claw_lsp.testing.scripted_model import says

Json = dict[str, Any]
CALC = "def add(a, b):\n    return a - b\n"


async def chat(visit: Visit) -> str:
    """A chat document that the editor shows, whichever way it does that."""
    path = (await visit.command("claw.chat"))["path"]
    if path not in visit.editor.paths():
        visit.editor.open(path)
    return path


def types(visit: Visit, path: str, words: str) -> int:
    """The person writes at the document's end; where the cursor is then."""
    visit.editor.type(path, len(visit.text(path)), words)
    visit.editor.flush()
    return visit.text(path).rindex(words.rstrip("\n")) + len(words.rstrip("\n"))


async def at(visit: Visit, method: str, path: str, offset: int) -> Any:
    where = visit.editor.range(path, offset, offset)["start"]
    given = {"textDocument": {"uri": visit.uri(path)}, "position": where}
    return await visit.request(f"textDocument/{method}", given)


async def of(visit: Visit, method: str, path: str) -> Any:
    return await visit.request(f"textDocument/{method}", {"textDocument": {"uri": visit.uri(path)}})


async def completed(visit: Visit, path: str, words: str) -> list[Json]:
    found = await at(visit, "completion", path, types(visit, path, words))
    return found["items"]


def written(visit: Visit, path: str, item: Json) -> str:
    """The document once an item was picked."""
    index = LineIndex(visit.text(path))
    encoding = visit.editor.quirks.encoding
    edit = item["textEdit"]
    start, end = (
        index.offset(it["line"], it["character"], encoding) for it in (edit["range"]["start"], edit["range"]["end"])
    )
    return index.text[:start] + edit["newText"] + index.text[end:]


def labels(items: list[Json]) -> list[str]:
    return [it["label"] for it in sorted(items, key=lambda it: it["sortText"])]


def files(visit: Visit, *names: str) -> None:
    for name in names:
        visit.write(name, "x = 1\n")


async def asks(visit: Visit, path: str, words: str) -> None:
    """The person sends this, and it is answered."""
    types(visit, path, words)
    sent = await visit.command("claw.send", uri=visit.uri(path))
    await visit.end(sent["run"])


# ---- completion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_a_command_is_offered_with_its_help_in_every_client(tmp_path: Path, like: str) -> None:
    async with visiting(tmp_path, like=like) as visit:
        path = await chat(visit)
        items = await completed(visit, path, "/mo")
        assert labels(items) == ["/mode", "/model"]
        for item in items:
            assert item["detail"].startswith("Show or pick")
            assert item["filterText"].startswith("/mo")
            assert "insertTextFormat" not in item
            assert written(visit, path, item).rstrip("\n").endswith(f"\n{item['label']} ")


async def test_arguments_of_commands_are_offered(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        path = await chat(visit)
        start = len(visit.text(path))
        for words, some in (
            ("/model so", ["sonnet"]),
            ("/mode ", [it.value for it in Mode]),
            ("/mode PL", ["plan"]),
            ("/mode byp", ["bypassPermissions"]),
            ("/effort x", ["xhigh"]),
            ("/diff ", ["git"]),
            ("/help ", []),
            ("/nonsense ", []),
            ("say /mo", []),
            ("words\n/mo", []),
        ):
            assert labels(await completed(visit, path, words)) == some, words
            visit.editor.replace(path, start, len(visit.text(path)), "")


async def test_diff_is_offered_the_files_that_the_session_changed(tmp_path: Path) -> None:
    path = str(tmp_path / "ws" / "src" / "calc.py")
    async with visiting(tmp_path, *edits(path, "a - b", "a + b"), says("Done."), auto="Allow once") as visit:
        visit.write(path, CALC)
        document = await chat(visit)
        await asks(visit, document, "fix it")
        assert labels(await completed(visit, document, "/diff ")) == ["git", "src/calc.py"]


async def test_nothing_is_offered_in_ordinary_files_in_answers_and_in_headings(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Ask @ca again.\n\n/mo")) as visit:
        files(visit, "calc.py")
        notes = visit.open("notes.md", "/mo\n@ca\n")
        assert await at(visit, "completion", notes, 3) == {"isIncomplete": False, "items": []}
        assert await at(visit, "completion", notes, 7) == {"isIncomplete": False, "items": []}
        path = await chat(visit)
        await asks(visit, path, "hello @ca")
        text = visit.text(path)
        for words, n_items in (("hello @ca", 1), ("Ask @ca", 0), ("/mo", 0), ("## Claw", 0)):
            found = await at(visit, "completion", path, text.index(words) + len(words))
            assert len([it for it in found["items"] if it["label"] == "calc.py"]) == n_items, words


@pytest.mark.parametrize("like", ["nvim", "vscode", "helix", "emacs-eglot"])
async def test_what_stands_before_a_mention_moves_nothing(tmp_path: Path, like: str) -> None:
    async with visiting(tmp_path, like=like) as visit:
        files(visit, "ünï/calc.py", "a b.py")
        path = await chat(visit)
        items = await completed(visit, path, "see 🙂 é (@calc")
        (item,) = [it for it in items if it["label"] == "ünï/calc.py"]
        assert written(visit, path, item).rstrip("\n").endswith("see 🙂 é (@ünï/calc.py")
        assert item["filterText"] == "@calc"
        visit.editor.replace(path, visit.text(path).index("see"), len(visit.text(path)), "")
        for typed in ("@a", '@"a b'):
            (item,) = [it for it in await completed(visit, path, f"🙂 {typed}") if it["label"] == "a b.py"]
            assert written(visit, path, item).rstrip("\n").endswith('🙂 @"a b.py"')
            visit.editor.replace(path, visit.text(path).index("🙂"), len(visit.text(path)), "")


async def test_in_a_document_with_dos_line_ends_the_edit_is_where_the_cursor_is(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        files(visit, "calc.py")
        path = visit.write(".claw/chats/mine.md", "# Talk\r\n\r\nhello 🙂\r\n@cal\r\n")
        visit.editor.open(path)
        text = visit.text(path)
        found = await at(visit, "completion", path, text.index("@cal") + 4)
        (item,) = [it for it in found["items"] if it["label"] == "calc.py"]
        assert written(visit, path, item) == "# Talk\r\n\r\nhello 🙂\r\n@calc.py\r\n"


async def test_files_come_as_ripgrep_sees_them_open_ones_first_and_secrets_never(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        files(visit, "src/cart.py", "src/deep/card.py", "lib/cat.py", ".env", "ignored/car.py", "src/id_rsa")
        visit.write(".gitignore", "ignored/\n")
        visit.open("lib/cat.py")
        path = await chat(visit)
        start = len(visit.text(path))

        async def offered(words: str) -> list[str]:
            visit.editor.replace(path, start, len(visit.text(path)), "")
            return [it for it in labels(await completed(visit, path, words)) if not it.startswith("@")]

        assert await offered("@") == [
            "lib/cat.py",
            "lib/",
            "src/",
            ".claw/",
            ".gitignore",
            "src/deep/",
            "src/cart.py",
            ".claw/.gitignore",
            "src/deep/card.py",
        ]
        assert (await offered("@ca"))[:3] == ["lib/cat.py", "src/cart.py", "src/deep/card.py"]
        assert await offered("@src/") == ["src/deep/", "src/cart.py", "src/deep/card.py"]
        assert await offered("@sdc") == ["src/deep/card.py"]
        assert (await offered("@./src/c"))[:1] == ["src/cart.py"]
        assert await offered("@env") == []
        assert await offered("@rsa") == []
        assert await offered("a@ca") == []
        (first,) = (it for it in await completed(visit, path, " @lib/ca") if it["label"] == "lib/cat.py")
        assert first["detail"] == "open"


async def test_paths_are_relative_to_where_the_session_is_and_absolute_outside(tmp_path: Path) -> None:
    other = tmp_path / "other"
    folders = [{"uri": uri_of(str(it)), "name": it.name} for it in (tmp_path / "ws", other)]
    introduction = {"workspaceFolders": folders}
    async with visiting(
        tmp_path, runs("cd src"), says("There."), introduction=introduction, auto="Allow once"
    ) as visit:
        files(visit, "src/here.py", "up/her.py", str(other / "hers.py"))
        path = await chat(visit)
        await asks(visit, path, "go down")
        items = labels(await completed(visit, path, "see @her"))
        assert items[:3] == ["here.py", str(visit.root / "up/her.py"), str(other / "hers.py")]
        types(visit, path, f"e.py and @{visit.root}/up/her.py")
        assert await told(visit, path, "@here.py") == "`here.py` · 1 line, 6 bytes"
        assert await told(visit, path, f"@{visit.root}") == f"`{visit.root}/up/her.py` · 1 line, 6 bytes"


async def test_sessions_are_offered_by_title_and_symbols_by_name(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Yes.")) as visit:
        visit.write("calc.py", CALC)
        visit.open("shop.py", "class Basket:\n    def add_item(self): ...\n")
        done = await visit.turn("claw.ask", prompt="Where is the basket?")
        path = await chat(visit)
        assert await visit.command("claw.clear") is not None
        other = visit.write(".claw/chats/new.md", "")
        visit.editor.open(other)
        (item,) = await completed(visit, other, "as in @session:bask")
        assert item["label"] == "Where is the basket?"
        assert written(visit, other, item).endswith(f"@session:{done['session']}")
        assert path != other
        types(visit, other, f"\nsee @session:{done['session']} and @session:nothing")
        assert await told(visit, other, f"@session:{done['session']}") == "`Where is the basket?` · 1 turn"
        assert await told(visit, other, "@session:nothing") == "There is no such session."
        items = await completed(visit, other, " @symbol:add")
        assert [(it["label"], it["detail"]) for it in items] == [
            ("add", "function · calc.py:1"),
            ("add_item", "function · shop.py:2"),
        ]
        assert items[1]["textEdit"]["newText"] == "@symbol:add_item"


async def test_files_with_diagnostics_are_those_the_editor_tells_of(tmp_path: Path) -> None:
    def complaint(line: int, message: str) -> Json:
        where = {"line": line, "character": 0}
        return {"range": {"start": where, "end": where}, "severity": 1, "message": message, "source": "pyright"}

    def reports(params: Json) -> Any:
        if params["method"] != "workspace/diagnostic":
            return None
        name = uri_of(str(tmp_path / "ws" / "src" / "calc.py"))
        return {"items": [{"uri": name, "kind": "full", "items": [complaint(1, "no `b`"), complaint(0, "no a")]}]}

    shim = {**PLAIN, "experimental": {"claw": {"languageFeatures": True}}}
    answers = {"claw/languageFeature": reports}
    async with visiting(tmp_path, capabilities=shim, answers=answers) as visit:
        files(visit, "src/calc.py", "src/fine.py")
        path = await chat(visit)
        (item,) = await completed(visit, path, "fix @diagnostics:")
        assert (item["label"], item["detail"]) == ("src/calc.py", "2 diagnostics")
        assert written(visit, path, item).rstrip("\n").endswith("fix @diagnostics:src/calc.py")
        types(visit, path, "src/calc.py and @diagnostics, @diagnostics:src/fine.py")
        assert await told(visit, path, "@diagnostics:src/calc.py") == "- error `1: no a`\n- error `` 2: no `b` ``"
        assert await told(visit, path, "@diagnostics,") == "2 diagnostics in 1 file"
        assert "Nothing is known" in await told(visit, path, "@diagnostics:src/fine")
    async with visiting(tmp_path / "without") as visit:
        assert await completed(visit, await chat(visit), "fix @diagnostics:") == []


async def test_a_large_tree_is_listed_once_and_never_in_the_way(tmp_path: Path) -> None:
    """Nothing blocks the loop (blockbuster and the lag of it watch); what is known is answered from memory."""
    async with visiting(tmp_path) as visit:
        for n in range(50):
            folder = Path(visit.root, f"pkg{n}")
            folder.mkdir()
            for m in range(200):
                (folder / f"module{m}.py").touch()
        path = await chat(visit)
        end = types(visit, path, "@mod199")
        found: Json = {}
        async with asyncio.timeout(40):
            while not [it for it in found.get("items", ()) if "module199" in it["label"]]:
                found = await at(visit, "completion", path, end)
        assert found["isIncomplete"]
        assert len(found["items"]) == 50
        before = visit.client.send_request(
            "textDocument/completion",
            {"textDocument": {"uri": visit.uri(path)}, "position": visit.editor.range(path, end, end)["start"]},
        )
        visit.client.notify("$/cancelRequest", {"id": before})
        await visit.settle()


# ---- hover ------------------------------------------------------------------------------------------------------------


async def told(visit: Visit, path: str, words: str, nth: int = 0) -> str:
    text = visit.text(path)
    offset = -1
    for _ in range(nth + 1):
        offset = text.index(words, offset + 1)
    found = await at(visit, "hover", path, offset + 1)
    return found["contents"]["value"] if found else ""


async def test_a_tool_entry_tells_input_output_verdict_and_time(tmp_path: Path) -> None:
    steps = (
        says("Looking.", ("c1", "Read", {"file_path": str(tmp_path / "ws" / "calc.py")})),
        runs("env echo '```'; echo done", "c2"),
        runs("echo second", "c3"),
        says("It subtracts, see calc.py:2."),
    )
    async with visiting(tmp_path, *steps, auto="Allow once") as visit:
        visit.write("calc.py", CALC)
        path = await chat(visit)
        await asks(visit, path, "what?")
        read = await told(visit, path, "- ✓ `Read")
        assert "allowed by what it can reach" in read
        assert "return a - b" in read
        assert str(visit.root / "calc.py") in read
        bash = await told(visit, path, "- ✓ ```` Bash")
        assert "allowed by you" in bash
        assert "env echo '```'; echo done" in bash
        assert "````\n```\ndone" in bash
        assert "second" in await told(visit, path, "- ✓ `Bash")
        ended = await told(visit, path, "_done")
        assert "**done**" in ended
        assert "`claude-opus-5-5`, tokens" in ended
        assert "80 written as answer" in ended
        assert await told(visit, path, "It subtracts") == ""


async def test_a_call_that_still_runs_tells_its_input(tmp_path: Path) -> None:
    async with visiting(tmp_path, runs("echo begun; sleep 30"), auto="Allow once") as visit:
        path = await chat(visit)
        types(visit, path, "run it")
        sent = await visit.command("claw.send", uri=visit.uri(path))
        await visit.until(lambda: "- … `Bash" in visit.text(path))
        shown = await told(visit, path, "- … `Bash")
        assert "allowed by you · still runs" in shown
        assert "`echo begun; sleep 30`" in shown
        await visit.command("claw.stop", run=sent["run"])
        await visit.end(sent["run"])


async def test_a_mention_tells_what_it_is(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visit:
        visit.write("calc.py", CALC)
        visit.write("src/.env", "KEY=1\nB=2\n")
        visit.open("open.py", "one\ntwo\nthree\n")
        path = await chat(visit)
        types(visit, path, 'see @calc.py:1-2, @src/ @src/.env @open.py @symbol:add @"no such" me@calc.py @buffers')
        assert "calc.py` · 2 lines, 32 bytes" in await told(visit, path, "@calc.py:1")
        assert "a folder" in await told(visit, path, "@src/ ")
        assert await told(visit, path, "@src/.env") == "`src/.env` · 10 bytes; it may hold secrets"
        assert "3 lines, open in the editor" in await told(visit, path, "@open.py")
        assert await told(visit, path, "@symbol") == "- function `calc.py:1`"
        assert await told(visit, path, '@"no such"') == ""
        assert await told(visit, path, "me@calc") == ""
        assert await told(visit, path, "@buffers") == "1 open file: `open.py`"


# ---- symbols, folding, links ------------------------------------------------------------------------------------------


async def two_turns(visit: Visit) -> str:
    path = await chat(visit)
    for words in ("what is wrong?\nsee below", "and now?"):
        await asks(visit, path, words)
    return path


def two_answers(tmp_path: Path) -> tuple[Any, ...]:
    return (
        says("Looking.", ("c1", "Read", {"file_path": str(tmp_path / "ws" / "calc.py")})),
        says("", ("c2", "Glob", {"pattern": "*.py"})),
        says("See calc.py:2 and lib/none.py:3, /etc/passwd:1, https://a.b/calc.py:2.\n\n```py\na + b\n```"),
        says("Nothing."),
    )


@pytest.mark.parametrize("like", CLIENT_NAMES)
async def test_what_is_announced_is_answered_and_nothing_else_is(tmp_path: Path, like: str) -> None:
    async with visiting(tmp_path, *two_answers(tmp_path), like=like) as visit:
        said: Json = visit.result["capabilities"]
        known = visit.server._said["capabilities"]["textDocument"]
        for feature in ("documentSymbol", "foldingRange", "documentLink"):
            assert (f"{feature}Provider" in said) == (feature in known), feature
        assert said["completionProvider"]["triggerCharacters"] == ["/", "@", '"']
        visit.open("calc.py", CALC)
        for method in ("documentSymbol", "foldingRange", "documentLink"):
            assert await of(visit, method, "calc.py") is None
        path = await two_turns(visit)
        index = LineIndex(visit.text(path))

        def line(words: str) -> int:
            return index.position(index.text.index(words), "utf-32")[0]

        found = await of(visit, "documentSymbol", path)
        if known.get("documentSymbol", {}).get("hierarchicalDocumentSymbolSupport"):
            assert [it["name"] for it in found] == ["what is wrong?", "and now?"]
            names = [it["name"] for it in found[0]["children"]]
            assert names == [
                "✓ Read calc.py",
                "✓ Glob *.py in .",
                "See calc.py:2 and lib/none.py:3, /etc/passwd:1, https://a.b/calc.py:2.",
            ]
            assert found[0]["selectionRange"]["start"]["line"] == line("what is wrong?")
        else:
            assert [it["name"] for it in found][:2] == ["what is wrong?", "✓ Read calc.py"]
            assert {it["location"]["uri"] for it in found} == {visit.uri(path)}
        folds = [(it["startLine"], it["endLine"]) for it in await of(visit, "foldingRange", path)]
        assert (line("- ✓ `Read"), line("- ✓ `Glob")) in folds
        assert (line("```py"), line("```py") + 2) in folds
        assert folds[0] == (line("## You"), line("_done"))
        (link,) = [it for it in await of(visit, "documentLink", path) if it["target"].endswith("#L2")]
        assert link["target"] == uri_of(str(visit.root / "calc.py")) + "#L2"
        start = index.offset(
            link["range"]["start"]["line"], link["range"]["start"]["character"], visit.editor.quirks.encoding
        )
        assert index.text.startswith("calc.py:2 and", start)


async def test_links_lead_to_files_of_the_workspace_and_nowhere_else(tmp_path: Path) -> None:
    said = "a.py:3 b/c.py ../out.py:1 ~/x.py file:///etc/passwd:1 /etc/passwd:1 command:a.py:1 missing.py:9 `a.py:4` (a.py) $(a.py)"
    async with visiting(tmp_path, says(said)) as visit:
        files(visit, "a.py", "b/c.py")
        (tmp_path / "out.py").write_text("")
        path = await chat(visit)
        await asks(visit, path, "where is a.py:1?")
        found = await of(visit, "documentLink", path)
        targets = [it["target"].removeprefix(uri_of(str(visit.root))) for it in found]
        assert targets == ["/a.py#L3", "/b/c.py", "/a.py#L4", "/a.py", "/a.py"]
        assert all(Path(path_of(it["target"])).is_file() for it in found)


async def test_everything_is_answered_while_a_turn_runs(tmp_path: Path) -> None:
    async with visiting(tmp_path, waits("Thinking about calc.py:1 …"), ends=True) as visit:
        files(visit, "calc.py")
        path = await chat(visit)
        types(visit, path, "what?")
        sent = await visit.command("claw.send", uri=visit.uri(path))
        await visit.until(lambda: "Thinking" in visit.text(path))
        assert parse(visit.text(path)).number == 2
        assert [it["name"] for it in await of(visit, "documentSymbol", path)] == ["what?", "Thinking about calc.py:1 …"]
        assert len(await of(visit, "documentLink", path)) == 1
        assert await of(visit, "foldingRange", path)
        assert "calc.py" in labels(await completed(visit, path, "and @calc"))
        await visit.command("claw.stop", run=sent["run"])


async def test_of_a_long_document_the_last_turns_count_and_nothing_stands_still(tmp_path: Path) -> None:
    turn = (
        "## You <!-- claw:k you {0} -->\n\nask {0}\n\n## Claw <!-- claw:k answer {0} -->\n\n"
        + "- ✓ `Read a.py`\n" * 200
    )
    text = marks.title("k", "s") + "\n\n" + "".join(turn.format(n) + "\nsee a.py:1\n\n" for n in range(1, 61))
    async with visiting(tmp_path) as visit:
        files(visit, "a.py")
        path = visit.write(".claw/chats/long.md", text)
        visit.editor.open(path)
        found = await of(visit, "documentSymbol", path)
        assert len([it for it in found if it["kind"] == 12]) == 5000
        assert [it["name"] for it in found if it["kind"] == 3] == [f"ask {n}" for n in range(1, 61)]
        assert found[-1]["name"] == "see a.py:1"
        links = await of(visit, "documentLink", path)
        assert len(links) == 1000
        assert links[-1]["target"].endswith("a.py#L1")
        assert len(await of(visit, "foldingRange", path)) == 120
