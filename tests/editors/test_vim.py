"""Real Vim 9 with what `claw-lsp init vim --write` writes. vim-lsp and coc.nvim are in no package registry: stand-ins do what
client.vim asks of them, vim-lsp's with its recorded capabilities over Vim's own LSP channel to the real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from installing import Debian, needs
from terminal import Terminal, terminal

from claw_lsp.testing.messages_api import MessagesApi, Reply, ToolUse, script

pytestmark = [pytest.mark.editor, pytest.mark.timeout(150), needs(Debian("vim-nox", "tmux"))]

HERE = Path(__file__).parent
RECORDED = HERE.parent / "fixtures" / "clients" / "vim-vim-lsp.json"
CALC = "def add(a, b):\n    return a - b\n"


def prepared(tmp_path: Path, stand_in: str, url: str = "") -> dict[str, str]:
    """The environment of a Vim whose home has the plugin installed, and the stand-in on its runtime path."""
    root, home = tmp_path / "ws", tmp_path / "home"
    (root / ".git").mkdir(parents=True)
    (root / "calc.py").write_text(CALC)
    home.mkdir()
    (home / ".vimrc").write_text(f"set nocompatible shortmess+=I noswapfile cmdheight=6 rtp^={HERE}/vim/{stand_in}\n")
    environment = {
        **{key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ},
        "HOME": str(home),
        "TERM": "screen-256color",
        "LANG": "C.UTF-8",
        "CLAW_HOME": str(home / "claw"),
        "CLAW_TEST_RECORDED": str(RECORDED),
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "sk-ant-scripted",
    }
    argv = [sys.executable, "-m", "claw_lsp", "init", "vim", "--write"]
    subprocess.run(argv, env=environment, check=True, capture_output=True)
    return environment


@contextmanager
def vim(tmp_path: Path, api: MessagesApi) -> Generator[Terminal, None, None]:
    environment = prepared(tmp_path, "vim-lsp", api.url)
    with terminal(("vim.nox", "-c", "doautocmd User lsp_setup", "calc.py"), tmp_path / "ws", environment) as screen:
        yield screen


def command(screen: Terminal, line: str) -> None:
    screen.type(f":{line}")
    screen.keys("Enter")


async def test_a_turn_in_vim_its_question_answered_by_claw_answer_its_change_undone_and_reviewed(
    tmp_path: Path,
) -> None:
    file = str(tmp_path / "ws" / "calc.py")
    edit = {"file_path": file, "old_string": "a - b", "new_string": "a + b"}
    replies = (
        Reply(content=(ToolUse(name="Read", input={"file_path": file}),)),
        Reply(content=(ToolUse(name="Edit", input=edit),)),
        "It subtracted.",
    )
    async with MessagesApi(script(*replies)) as api:
        with vim(tmp_path, api) as screen:
            await screen.shows("return a - b", "attached")
            command(screen, "2Claw ask mend the sum")
            await screen.shows("asked Deny")
            command(screen, "Claw answer")
            await screen.shows("2. Allow once")
            screen.type("2")
            screen.keys("Enter")
            await screen.shows("return a + b", "It subtracted.")
            assert Path(file).read_text() == CALC
            assert "mend the sum" in api.requests[0].last_user_text
            command(screen, "Claw hunks")
            await screen.shows("calc.py|2|", "open:")
            command(screen, "cclose")
            command(screen, "2Claw keep")
            await screen.shows("Kept 1 change.")
            screen.keys("u")
            await screen.shows("return a - b")
            command(screen, "Claw status")
            await screen.shows("claude-")
        assert not api.unexpected


def test_coc_is_told_of_claw_in_every_file(tmp_path: Path) -> None:
    environment = prepared(tmp_path, "coc")
    told = tmp_path / "told.json"
    argv = ["vim.nox", "-es", "-u", str(tmp_path / "home" / ".vimrc"), "-c", "runtime plugin/claw.vim"]
    argv += ["-c", f"call writefile([json_encode(g:told)], '{told}')", "-c", "qa!"]
    subprocess.run(argv, env=environment, cwd=tmp_path / "ws", check=True, capture_output=True, timeout=30)
    section = json.loads(told.read_text())["languageserver.claw"]
    assert (section["args"], section["filetypes"]) == (["serve"], ["*"])
    assert Path(section["command"]).name == "claw-lsp"
