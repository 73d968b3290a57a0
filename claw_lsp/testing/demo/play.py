"""The editor's side of the demo: a client without a screen, which does what any editor with an LSP client does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from claw_lsp.lsp.uris import path_of, uri_of
from claw_lsp.testing.demo.reading import answer_in
from claw_lsp.testing.demo.sample import TYPED, Sample
from claw_lsp.testing.demo.stage import Stage
from claw_lsp.testing.memory_editor import MemoryEditor
from claw_lsp.testing.wire import NoAnswer, WireClient

Json = dict[str, Any]

CAPABILITIES: Json = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}, "workspaceFolders": True},
    "textDocument": {
        "synchronization": {"didSave": True},
        "publishDiagnostics": {},
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["", "quickfix", "refactor"]}}},
    },
    "experimental": {"claw": {"save": True}},
}
"""What a plain editor announces; `save` is the one thing our shims for VS Code and Neovim add here."""

LONG = 86_400.0
BREATH = 0.25
"""Seconds for the last words to arrive in the chat document, which is written at most ten times a second."""
_NOISE = ("window/logMessage", "window/showMessage", "textDocument/publishDiagnostics", "$/progress")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the turn ended, what it used, where its log is, and what the buffer held before it and after.
    `undone` names the step that one undo would take back."""

    ended: Json
    log: str
    before: str
    after: str
    undone: str


async def play(stage: Stage, sample: Sample, client: WireClient, complaint: str) -> Outcome:
    """Open the file, type into it, pick *Claw: Fix*, watch, answer, and save at the end."""
    editor = MemoryEditor()
    editor.attach(client)
    editor.claw_saves = True
    client.ignore(*_NOISE)
    await _connect(stage, client, sample)
    source = str(sample.source)
    editor.open(source, language="python")
    editor.type(source, 0, TYPED)
    before = editor.text(source)
    stage.say(f"opened basket/totals.py and typed a line that is not saved: {TYPED.strip()}")
    action = await _picked(stage, client, editor, sample, complaint)
    stage.step("The turn: the answer streams into a chat document, edits arrive in the buffer")
    async with _watching(stage, client, editor):
        run = await client.request("workspace/executeCommand", _command(action["command"]))
        await client.request("workspace/executeCommand", _call("claw.chat", session=run["session"]))
        ended = await client.request("workspace/executeCommand", _call("claw.wait", run=run["run"]), timeout=LONG)
        status = await client.request("workspace/executeCommand", _call("claw.status", session=run["session"]))
        await asyncio.sleep(BREATH)
    after = editor.text(source)
    undone = editor.undo_steps(source)[-1]
    if editor.dirty(source):
        editor.save(source)
    return Outcome(ended, status["log"], before, after, undone)


async def _connect(stage: Stage, client: WireClient, sample: Sample) -> None:
    stage.step("An editor starts `claw-lsp serve`, as it starts any language server")
    began = time.monotonic()
    answer = await client.initialize(
        CAPABILITIES,
        clientInfo={"name": "claw-lsp demo"},
        workspaceFolders=[{"uri": uri_of(str(sample.folder)), "name": sample.folder.name}],
    )
    commands: list[str] = answer["capabilities"]["executeCommandProvider"]["commands"]
    took = (time.monotonic() - began) * 1000
    stage.say(f"it answered within {took:.0f} ms and offers code actions, code lenses and {len(commands)} commands")


async def _picked(stage: Stage, client: WireClient, editor: MemoryEditor, sample: Sample, complaint: str) -> Json:
    """The code action *Claw: Fix*, from the menu that the editor shows on the line with the complaint."""
    stage.step("The code-action menu on the line at fault")
    source = str(sample.source)
    line = sample.line_of_fault() + TYPED.count("\n")
    range_ = {"start": {"line": line, "character": 0}, "end": {"line": line, "character": 0}}
    diagnostic = {"range": range_, "severity": 1, "source": "unittest", "message": complaint}
    params = {
        "textDocument": {"uri": editor.uri(source)},
        "range": range_,
        "context": {"diagnostics": [diagnostic], "triggerKind": 1},
    }
    found: list[Json] = await client.request("textDocument/codeAction", params)
    action = next(it for it in found if it["command"]["command"] == "claw.fix")
    for it in found:
        mark = "▸" if it is action else " "
        stage.say(f"{mark} {it['title']}", "bold" if it is action else "dim")
    return action


@asynccontextmanager
async def _watching(stage: Stage, client: WireClient, editor: MemoryEditor) -> AsyncGenerator[None]:
    """Show the chat document and the progress while they change, and put questions before the person."""
    n_shown = len(editor.shown)

    async def asked(params: Json) -> Json:
        nonlocal n_shown
        await asyncio.sleep(BREATH)
        for it in editor.shown[n_shown:]:
            path = path_of(it["uri"])
            if path.endswith(".diff"):
                stage.code(editor.text(path), "diff")
        n_shown = len(editor.shown)
        chosen = await stage.choose(params["message"], [it["title"] for it in params["actions"]])
        if chosen is None:
            raise NoAnswer
        return {"title": chosen}

    def changed(path: str) -> None:
        if path.endswith(".md"):
            stage.answer(answer_in(editor.text(path)))

    editor.answer["window/showMessageRequest"] = asked
    editor.after_edit = changed
    watching = asyncio.create_task(_progress(stage, client))
    stage.turn_begins()
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        stage.turn_ends()


async def _progress(stage: Stage, client: WireClient) -> None:
    while True:
        value = (await client.next_notification("$/progress", LONG))["value"]
        stage.now(value.get("message") or value.get("title") or "")


def _call(name: str, **arguments: Any) -> Json:
    return {"command": name, "arguments": [arguments]}


def _command(command: Json) -> Json:
    return {"command": command["command"], "arguments": command["arguments"]}
