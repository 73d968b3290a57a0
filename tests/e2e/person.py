"""A person before the real server, with nothing but what every client has: diagnostics, code actions, boxes, documents."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from process_desk import Server

from claw_lsp.testing.messages_api import Reply, ToolUse

Json = dict[str, Any]


@dataclass
class Person:
    """Sees the diagnostics that were published last, and picks from the menu of a place."""

    server: Server
    _published: dict[str, list[Json]] = field(default_factory=dict)

    def diagnostics(self, path: str) -> list[Json]:
        for said in self.server.client.notifications("textDocument/publishDiagnostics"):
            self._published[said["uri"]] = said["diagnostics"]
        return self._published.get(self.server.editor.uri(path), [])

    async def told(self, path: str, words: str) -> Json:
        """The diagnostic with these words, once it is there."""
        await self.server.until(lambda: any(words in it["message"] for it in self.diagnostics(path)))
        return next(it for it in self.diagnostics(path) if words in it["message"])

    async def menu(self, path: str, words: str) -> list[Json]:
        """The code actions where these words stand."""
        # Editors that hold changes back tell them before they ask for anything.
        self.server.editor.flush()
        start = self.server.editor.text(path).index(words)
        range_ = self.server.editor.range(path, start, start)
        here = [it for it in self.diagnostics(path) if it["range"]["start"]["line"] == range_["start"]["line"]]
        params = {
            "textDocument": {"uri": self.server.editor.uri(path)},
            "range": range_,
            "context": {"diagnostics": here},
        }
        return await self.server.client.request("textDocument/codeAction", params)

    async def pick(self, path: str, words: str, title: str) -> Json:
        """Run the action of this title, or that begins so, where these words stand; the command's answer."""
        found = await self.menu(path, words)
        action = next((it for it in found if it["title"].startswith(title)), None)
        assert action, f"{title!r} is not among {[it['title'] for it in found]}"
        params = {key: action["command"][key] for key in ("command", "arguments")}
        return await self.server.client.request("workspace/executeCommand", params, timeout=60)

    async def turn(self, prompt: str, **arguments: Any) -> Json:
        """What `claw.wait` answers for a turn with these words."""
        begun = await self.server.command("claw.ask", prompt=prompt, **arguments)
        return await self.server.command("claw.wait", run=begun["run"])

    async def questions(self) -> list[Json]:
        """What waits for an answer, once something does."""
        async with asyncio.timeout(20):
            while not (found := (await self.server.command("claw.questions"))["questions"]):
                await asyncio.sleep(0.05)
        return found

    async def hunks(self) -> list[Json]:
        return (await self.server.command("claw.hunks"))["hunks"]


def edits(file: Path, *changes: tuple[str, str]) -> tuple[Reply | str, ...]:
    """What the model says to read a file and put one text in the place of another, so often."""
    uses = tuple(
        ToolUse(name="Edit", input={"file_path": str(file), "old_string": old, "new_string": new})
        for old, new in changes
    )
    return (Reply(content=(ToolUse(name="Read", input={"file_path": str(file)}),)), Reply(content=uses), "Done.")
