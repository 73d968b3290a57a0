"""Real Neovim, and another agent that asks through `claw-lsp mcp serve` what it shows and proposes an edit there."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from neovim_desk import Neovim, needs_neovim, neovim

pytestmark = [
    pytest.mark.editor,
    needs_neovim,
    pytest.mark.timeout(150),
    pytest.mark.filterwarnings("ignore:.*child_watcher:DeprecationWarning"),  # pynvim 0.6 on Python 3.12
]

CALC = "def add(a, b):\n    return a - b\n"


async def asks(editor: Neovim, tool: str, **given: Any) -> Any:
    """What another agent is told, once the editor is shared."""
    environment = {**os.environ, "HOME": str(editor.home), "CLAW_HOME": str(editor.home / "claw")}
    args = ["-m", "claw_lsp", "mcp", "serve", "--cwd", str(editor.root)]
    async with (
        asyncio.timeout(90),
        Client(StdioServerParameters(command=sys.executable, args=args, env=environment)) as agent,
    ):
        while (answer := await agent.call_tool(tool, given)).is_error:
            assert "No editor shares" in str(answer.content)
            await asyncio.sleep(0.05)
        return answer.structured_content


def test_another_agent_reads_what_was_typed_and_its_proposal_is_applied_from_the_menu(tmp_path: Path) -> None:
    with neovim(tmp_path) as editor:
        folder = editor.home / "claw"
        folder.mkdir(exist_ok=True)
        (folder / "settings.json").write_text(json.dumps({"shareEditor": True}))
        buffer = editor.edit("calc.py", CALC)
        editor.type("ggO# mine, unsaved<Esc>")
        editor.until(lambda: "# mine, unsaved" in editor.lines(buffer), "the line is typed")

        def seen() -> bool:
            told = asyncio.run(asks(editor, "read_buffer", path="calc.py"))
            return bool(told["unsaved"]) and told["text"] == "# mine, unsaved\n" + CALC

        editor.until(seen, "the other agent sees the typed line")
        edit = {"path": "calc.py", "old_text": "a - b", "new_text": "a + b", "why": "It should add."}
        assert "waits" in asyncio.run(asks(editor, "propose_edit", **edit))["told"]
        editor.until(lambda: editor.diagnostics(buffer), "the proposal is a diagnostic")
        assert "    return a - b" in editor.lines(buffer)
        editor.nvim.funcs.cursor(3, 12)
        editor.picks("Claw: Apply")
        editor.code_action()
        editor.until(lambda: "    return a + b" in editor.lines(buffer), "the proposal is in the text")
