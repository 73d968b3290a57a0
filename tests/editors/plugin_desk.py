"""Neovim with the plugin of editors/neovim, and a server beside it that says what the test tells it to."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neovim_desk import Neovim, neovim

SCRIPTED = Path(__file__).with_name("scripted_server.py")
TYPIST = """
-- The person at the input boxes: `types` says what they write; nil closes the box.
_G.typed, _G.types = {}, {}
vim.ui.input = function(opts, done)
  table.insert(_G.typed, opts)
  local text = table.remove(_G.types, 1)
  vim.schedule(function() done(text or nil) end)
end
"""


@dataclass
class Shim:
    """A Neovim with the plugin. What the server says and hears is in the test's hands."""

    editor: Neovim

    def says(self, method: str, /, **params: Any) -> None:
        """The server sends a notification."""
        self.editor.command("claw.test.say", method=method, params=params)

    def asks(self, method: str, /, **params: Any) -> Any:
        """The server sends a request; the client's answer."""
        answer = self.editor.command("claw.test.say", method=method, params=params, request=True)
        assert "error" not in answer, answer
        return answer.get("result")

    def begins_to_ask(self, method: str, /, **params: Any) -> None:
        """The server sends a request, whose answer `answered` has when it comes."""
        self.editor.command("claw.test.say", wait=False, method=method, params=params, request=True)

    def answered(self) -> Any:
        """None until it is answered; then `{"answered": True, "result": …}`, without a result where that is null."""
        return self.editor.lua("return _G.answer and _G.answer.result")

    def heard(self, method: str) -> list[Any]:
        """The params of every such message that the server got."""
        return [it["params"] for it in self.editor.command("claw.test.heard") if it["method"] == method]

    def hears(self, method: str) -> Any:
        """The params of the last such message, once there is one."""
        return self.editor.until(lambda: self.heard(method), f"the server hears {method}")[-1]

    def answers(self, **answers: Any) -> None:
        self.editor.command("claw.test.answers", answers=answers)

    def hunks(self, uri: str, *hunks: dict[str, Any]) -> None:
        self.says("claw/event", kind="hunks", uri=uri, hunks=list(hunks))


@contextmanager
def shim(tmp_path: Path, *, options: str = "", more: str = "", menus: bool = True) -> Generator[Shim, None, None]:
    """The plugin with these options (Lua, in the braces of setup), and the scripted server."""
    setup = f'require("claw").setup({{ cmd = {{ "{sys.executable}", "{SCRIPTED}" }}, {options} }})\n'
    with neovim(tmp_path, menus=menus, editor="neovim", more=setup + (TYPIST if menus else "") + more) as editor:
        yield Shim(editor)


def hunk(name: str, line: int, end: int | None = None, **fields: Any) -> dict[str, Any]:
    """A hunk as `claw.hunks` lists it, of whole lines."""
    last = line + 1 if end is None else end
    found = {"hunk": name, "prompt_id": "p1", "session": "s1", "state": "open", "before": "old\n", "after": "new\n"}
    place = {"start": {"line": line, "character": 0}, "end": {"line": last, "character": 0}}
    return {**found, "range": place, **fields}


def uri(shim: Shim, name: str) -> str:
    return (shim.editor.root / name).as_uri()
