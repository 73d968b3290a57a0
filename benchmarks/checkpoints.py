"""`python -m benchmarks.checkpoints`: what taking checkpoints costs a turn that runs a command, in projects of some sizes."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.doors import CAPABILITIES, CLAW
from claw_lsp.lsp.uris import uri_of
from claw_lsp.testing.memory_editor import MemoryEditor
from claw_lsp.testing.messages_api import MessagesApi, Reply, ToolUse, script
from claw_lsp.testing.wire import WireClient, spawned

SIZES = (20, 1_000, 10_000)
LINE = 'def thing(self, x):\n    return "a line of code", x\n' * 40
ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds: turns with checkpoints and without, side by side; the first turn reads every file, the others what changed."""

    n_files: int
    first: float
    first_without: float
    later: float
    later_without: float


async def measured(n_files: int, rounds: int = ROUNDS) -> Cost:
    """Each turn with checkpoints has one without behind it, so that a busy minute is both's."""
    runs = Reply(content=(ToolUse(name="Bash", input={"command": "echo more >> f0.py"}),))
    replies = ["Ready.", "Ready.", *[runs, "Done.", runs, "Done."] * (rounds + 1)]
    took: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / name for name in ("with", "without")]
        for place in places:
            _project(place / "ws", n_files)
        async with MessagesApi(script(*replies)) as api, AsyncExitStack() as doors:
            both = [await doors.enter_async_context(_door(it, api.url, on=it is places[0])) for it in places]
            for turn in both:
                # The first turn of a process loads its libraries: this one runs nothing, and keeps nothing.
                await turn()
            for _ in range(rounds + 1):
                took.append((await both[0](), await both[1]()))
                # What a turn left is kept beside it: it is not to count for the next.
                await asyncio.sleep(1)
    later = [statistics.median(it) for it in zip(*took[1:], strict=True)]
    return Cost(n_files, *took[0], *later)


def _project(root: Path, n_files: int) -> None:
    for n in range(n_files):
        path = root / f"f{n}.py" if n < 20 else root / f"part{n % 50}" / f"f{n}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{LINE}\n# {n}\n")


@asynccontextmanager
async def _door(place: Path, url: str, *, on: bool) -> AsyncGenerator[Callable[[], Awaitable[float]]]:
    """Has a turn in one session, and says how long it took."""
    home = place / "claw"
    home.mkdir()
    settings = {"permissions": {"allow": ["Bash(echo *)"]}, "fileCheckpointingEnabled": on}
    (home / "settings.json").write_text(json.dumps(settings))
    environment = {
        "HOME": str(place),
        "CLAW_HOME": str(home),
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "sk-ant-scripted",
    }
    root = place / "ws"
    session: dict[str, str] = {}

    async def turn() -> float:
        begin = time.perf_counter()
        run = await _command(client, "claw.ask", prompt="go", **session)
        ended = await _command(client, "claw.wait", run=run["run"])
        took = time.perf_counter() - begin
        assert ended["stopped"] == "done", ended
        session["session"] = run["session"]
        return took

    async with spawned((*CLAW, "serve"), environment, root) as client:
        client.ignore("$/progress", "window/showMessage", "textDocument/publishDiagnostics")
        editor = MemoryEditor()
        editor.attach(client)
        editor.answer["window/showMessageRequest"] = _once
        folders = [{"uri": uri_of(str(root)), "name": "ws"}]
        await client.initialize(CAPABILITIES, rootUri=uri_of(str(root)), workspaceFolders=folders)
        yield turn


def _once(params: dict[str, Any]) -> Any:
    """The person's answer, should anything be asked."""
    return next((it for it in params["actions"] if it["title"].startswith("Allow once")), None)


async def _command(client: WireClient, name: str, **arguments: str) -> dict[str, str]:
    params = {"command": name, "arguments": [arguments]}
    return await client.request("workspace/executeCommand", params, timeout=120)


def main() -> None:
    table = Table(title="A turn that runs one command, with checkpoints : without")
    for name in ("files", "first turn, ms", "ratio", "later turns, ms", "ratio"):
        table.add_column(name, justify="right")
    for n_files in SIZES:
        it = asyncio.run(measured(n_files))
        table.add_row(
            f"{n_files:,}",
            f"{it.first * 1000:.0f} : {it.first_without * 1000:.0f}",
            f"{it.first / it.first_without:.2f}",
            f"{it.later * 1000:.0f} : {it.later_without * 1000:.0f}",
            f"{it.later / it.later_without:.2f}",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
