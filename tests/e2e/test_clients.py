"""The real process with the capabilities of every recorded client: a turn from its first message to the client's own goodbye.

The handshake and the code actions go through pytest-lsp, whose client checks every message against the specification. It
answers neither applyEdit nor showMessageRequest and knows no plain-JSON capabilities, so whole turns are driven by the
editor in memory over the same stdio.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Union

import psutil
import pytest
from lsprotocol import types
from lsprotocol.converters import get_converter
from process_desk import RECORDED, SERVE, environment, introduction, places, provider, serving
from pytest_lsp import LanguageClient, make_test_lsp_client

from claw_lsp.lsp.uris import uri_of
from claw_lsp.testing.messages_api import MessagesApi, Reply, ToolUse

CALC = "def add(a, b):\n    return a - b\n"
UNSAVED = "# not saved yet\n" + CALC
FIXED = UNSAVED.replace("a - b", "a + b")


def replies(file: Path) -> tuple[Reply | str, ...]:
    edit = {"file_path": str(file), "old_string": "a - b", "new_string": "a + b"}
    return (
        Reply(content=("I look.", ToolUse(name="Read", input={"file_path": str(file)}))),
        Reply(content=(ToolUse(name="Edit", input=edit),)),
        "It subtracted; now it adds.",
        "It adds two numbers.",
    )


GOODBYES = {
    "nvim": "shutdown, then the end of the input",
    "vscode": "shutdown, exit",
    "vscode-lc9": "shutdown, exit",
    "vim-coc": "killed",
    "emacs-eglot": "killed",
    "emacs-lsp-mode": "shutdown, exit",
    "vim-vim-lsp": "the end of the input",
}
"""How each of them leaves; `killed` is SIGTERM to the server, as coc and eglot do it."""


@pytest.mark.parametrize("like", RECORDED)
async def test_a_whole_turn_with_every_recorded_client(tmp_path: Path, like: str) -> None:
    root, _ = places(tmp_path)
    file = root / "calc.py"
    file.write_text(CALC)
    async with provider(*replies(file)) as api, serving(tmp_path, api, like) as server:
        editor, client = server.editor, server.client
        editor.open(str(file), UNSAVED, "python")
        (fix,) = await actions(server, file, "quickfix")
        server.auto = "Allow once"
        begun = await client.request("workspace/executeCommand", command_of(fix))
        ended = await server.command("claw.wait", run=begun["run"])
        assert (ended["stopped"], ended["text"]) == ("done", "It subtracted; now it adds.")
        assert editor.text(str(file)) == FIXED
        assert file.read_text() == CALC
        assert [it["actions"][0]["title"] for it in server.boxes if len(it["actions"]) > 1] == ["Deny"]
        assert "# not saved yet" in api.requests[1].tool_results
        (explain,) = await actions(server, file, "claw.explain")
        begun = await client.request("workspace/executeCommand", command_of(explain))
        await server.command("claw.wait", run=begun["run"])
        chat = await server.command("claw.chat", session=begun["session"])
        if not chat["shown"]:
            editor.open(chat["path"])
        await server.until(lambda: "It adds two numbers." in editor.text(chat["path"]))
        assert (await server.command("claw.cost"))["cost"] > 0
        await leave(server, GOODBYES[like])
    assert not api.unexpected
    assert not api.leftover()


async def actions(server: Any, file: Path, kind: str) -> list[dict[str, Any]]:
    start = UNSAVED.index("return")
    params = {
        "textDocument": {"uri": uri_of(str(file))},
        "range": server.editor.range(str(file), start, start + 12),
        "context": {"diagnostics": [], "only": [kind]},
    }
    return await server.client.request("textDocument/codeAction", params)


def command_of(action: dict[str, Any]) -> dict[str, Any]:
    return {key: action["command"][key] for key in ("command", "arguments")}


async def leave(server: Any, goodbye: str) -> None:
    """Go as this client goes; the process and all it started are gone."""
    client = server.client
    assert client.process
    children = psutil.Process(client.process.pid).children(recursive=True)
    if goodbye.startswith("shutdown"):
        await client.request("shutdown")
    if goodbye.endswith("exit"):
        client.notify("exit")
    elif goodbye == "killed":
        client.process.terminate()
    else:
        client.hang_up()
    expected = {"killed": 143, "the end of the input": 1}.get(goodbye, 0)
    assert await client.wait_closed() == expected
    assert not [it for it in children if it.is_running()]


# ---- pytest-lsp -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def checked_client(tmp_path: Path, api: MessagesApi) -> AsyncGenerator[LanguageClient, None]:
    """pytest-lsp's client, which checks what the server says, with the answers that it lacks."""
    root, home = places(tmp_path)
    client = make_test_lsp_client()

    @client.feature(types.WORKSPACE_APPLY_EDIT)
    def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        client.edits.append(params)  # pyright: ignore
        return types.ApplyWorkspaceEditResult(applied=False, failure_reason="this client applies nothing")

    @client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)
    def choose(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        return next((it for it in params.actions or () if it.title == "Allow once"), None)

    # lsprotocol 2025 takes every action that has a command for a bare Command.
    client.protocol._converter.register_structure_hook(Union[types.Command, types.CodeAction], _action)  # noqa: UP007
    client.edits = []  # pyright: ignore
    await client.start_io(*SERVE, env=os.environ | environment(home, api), cwd=root)
    try:
        async with asyncio.timeout(30):
            yield client
    finally:
        await client.shutdown_session()
        await client.stop()


def _action(said: Any, _: Any) -> types.Command | types.CodeAction:
    kind = types.Command if isinstance(said["command"], str) else types.CodeAction
    return get_converter().structure(said, kind)


def plain(said: Any) -> Any:
    """Without the sets of symbol and completion kinds: lsprotocol 2025 reads the numbers and cannot write them again."""
    if isinstance(said, dict):
        return {
            key: plain(it) for key, it in said.items() if key not in ("symbolKind", "completionItemKind", "tagSupport")
        }
    return said


@pytest.mark.parametrize("like", RECORDED)
async def test_what_the_server_says_in_the_handshake_and_as_code_actions_is_to_the_letter(
    tmp_path: Path, like: str
) -> None:
    root, _ = places(tmp_path)
    file = root / "calc.py"
    file.write_text(CALC)
    async with provider(*replies(file)[:3]) as api, checked_client(tmp_path, api) as client:
        params = get_converter().structure(plain(introduction(like, root)), types.InitializeParams)
        result = await client.initialize_session(params)
        assert result.server_info
        assert result.server_info.name == "claw-lsp"
        assert result.capabilities.execute_command_provider
        assert "claw.fix" in result.capabilities.execute_command_provider.commands
        uri = uri_of(str(file))
        client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "python", 1, UNSAVED))
        )
        where = types.Range(types.Position(2, 4), types.Position(2, 16))
        complaint = types.Diagnostic(where, "wrong operator", types.DiagnosticSeverity.Error, source="tests")
        context = types.CodeActionContext([complaint], [types.CodeActionKind.QuickFix])
        found = await client.text_document_code_action_async(
            types.CodeActionParams(types.TextDocumentIdentifier(uri), where, context)
        )
        assert found
        (fix,) = found
        assert isinstance(fix, types.CodeAction)
        assert fix.title == "Claw: Fix: wrong operator"
        assert fix.command
        answer = await client.workspace_execute_command_async(
            types.ExecuteCommandParams(fix.command.command, fix.command.arguments)
        )
        ended = await client.workspace_execute_command_async(
            types.ExecuteCommandParams("claw.wait", [{"run": answer["run"]}])
        )
        assert ended["stopped"] == "done"
        (edit,) = client.edits  # pyright: ignore
        assert "this client applies nothing" in api.requests[2].tool_results
        assert edit.label == "Claw: Edit calc.py"
        assert client.error is None
