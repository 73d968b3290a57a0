"""S03 and the canary: a whole session of the real process with secrets planted wherever they may come from, in a world that
keeps no file private by itself. None comes out where it must not, and every file of ours is for its owner alone."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from process_desk import SERVE, Server, introduction, places, provider, quirks_of

from claw_lsp.testing.memory_editor import MemoryEditor
from claw_lsp.testing.messages_api import Reply
from claw_lsp.testing.messages_api.scenario import Status, ToolUse
from claw_lsp.testing.wire import WireError, spawned

KEY = "sk-ant-scripted"
PLANTED = {
    "GITHUB_TOKEN": "ghp_canaryofthetoken01",
    "GATEWAY_PASSWORD": "a canary with blanks",
    "HTTPS_PROXY": "http://me:canary-pw-1@127.0.0.1:9",
}
IN_SETTINGS = "canary-set-by-the-person-1"
IN_FAULT = "sk-ant-api03-canary-in-a-fault"
IN_CALL = "canary-bearer-token-77"


def bash(command: str) -> Reply:
    return Reply(content=(ToolUse(name="Bash", input={"command": command}),))


@pytest.mark.security_case("S03", "M05")
async def test_no_planted_secret_comes_out_and_every_file_is_private(tmp_path: Path) -> None:
    root, home = places(tmp_path)
    (home / "claw").mkdir(mode=0o700)
    settings = {"env": {"DEPLOY_TOKEN": IN_SETTINGS}, "permissions": {"allow": ["Bash(env *)"]}}
    (home / "claw" / "settings.json").write_text(json.dumps(settings))
    wire, log = tmp_path / "wire.out", tmp_path / "claw.log"
    (root / "a.py").write_text("x = 1\n")
    replies = (
        bash("env | sort > child.txt"),
        bash(f"true 'Authorization: Bearer {IN_CALL}' && yes line | head -c 60000"),
        Reply(content=(ToolUse(name="Edit", input={"file_path": "a.py", "old_string": IN_CALL, "new_string": "y"}),)),
        Reply(faults=(Status(status=400, message=f"Incorrect key {IN_FAULT}; {KEY} was sent"),)),
    )
    before = os.umask(0)
    try:
        async with provider(*replies) as api:
            given = {**PLANTED, "HOME": str(home), "CLAW_HOME": str(home / "claw"), "CLAW_LOG": f"debug,{log},wire"}
            given |= {"ANTHROPIC_BASE_URL": api.url, "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_AUTH_TOKEN": ""}
            argv = ("bash", "-c", f"exec {' '.join(SERVE)} > >(tee {wire})")
            async with spawned(argv, given, root) as client:
                client.ignore("$/progress", "window/showMessage", "textDocument/publishDiagnostics")
                editor = MemoryEditor(quirks_of("nvim"))
                editor.attach(client)
                server = Server(client, editor, root, home, auto="Allow once")
                editor.answer["window/showMessageRequest"] = server.put
                said = introduction("nvim", root)
                await client.initialize(said.pop("capabilities"), **said)
                ended = await turn(server)
                with pytest.raises(WireError):
                    await client.request("workspace/executeCommand", {"command": "claw.ask", "arguments": [IN_FAULT]})
                stderr = bytes(client.stderr)
    finally:
        os.umask(before)
    assert ended["stopped"] == "failed"
    heard = wire.read_text("utf-8")
    assert "Incorrect key" in heard, "the fault itself is told"
    child = (root / "child.txt").read_text()
    assert f"DEPLOY_TOKEN={IN_SETTINGS}" in child, "what the person sets, commands get"
    ours = {path: path.read_text("utf-8", "replace") for path in files(home) if path.name != "settings.json"}
    places_ = {"the wire": heard, "the log": log.read_text("utf-8"), "stderr": stderr.decode(), "a child": child}
    for where, text in {**places_, **{str(path): it for path, it in ours.items()}}.items():
        for secret in (KEY, IN_FAULT, *PLANTED.values()):
            assert secret not in text, f"{secret} in {where}"
    assert IN_CALL not in places_["the log"] and IN_CALL not in stderr.decode()
    assert IN_SETTINGS not in heard and IN_SETTINGS not in places_["the log"]
    exposed = [str(it) for it in (*files(home), *files(root / ".claw"), log) if it.stat().st_mode & 0o077]
    exposed = [it for it in exposed if not it.endswith((".gitignore", "claw/settings.json"))]
    assert not exposed, "others can read these"
    assert len(ours) > 1
    assert any(it.parent.name == "wire" for it in ours), "the messages were kept, too"
    folders = [it for it in home.rglob("*") if it.is_dir()]
    assert not [str(it) for it in folders if stat.S_IMODE(it.stat().st_mode) & 0o077], "others can enter these"


async def turn(server: Server) -> dict[str, Any]:
    begun = await server.command("claw.chat", prompt="go")
    return await server.command("claw.wait", run=begun["run"])


def files(folder: Path) -> Iterator[Path]:
    return (it for it in folder.rglob("*") if it.is_file())
