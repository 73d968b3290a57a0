"""The demo from its first line to its last: sample, provider, server, editor, and whether the tests really passed."""

from __future__ import annotations

import asyncio
import os
import site
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

import claw_lsp
from claw_lsp.core.render import dollars, tokens
from claw_lsp.facts.usage import Usage
from claw_lsp.term.asking import Lines
from claw_lsp.testing.demo import sample, script
from claw_lsp.testing.demo.play import Outcome, play
from claw_lsp.testing.demo.sample import TYPED, Sample, Tested
from claw_lsp.testing.demo.stage import Stage
from claw_lsp.testing.messages_api import MessagesApi
from claw_lsp.testing.wire import WireError, spawned

SCRIPTED_KEY = "sk-ant-scripted"
SECONDS, SECONDS_LIVE = 60.0, 600.0
"""How long the demo may take when nobody thinks about a question."""

_SERVER = (sys.executable, "-m", "claw_lsp", "serve")


def demo(environment: Mapping[str, str], *, by_itself: bool, live: bool) -> int:
    """Play it; 0 only if the sample's tests passed in the end. The temporary folder is left for a look around."""
    stage = Stage(Console(highlight=False), None if by_itself else Lines(sys.stdin.fileno()))
    folder = Path(tempfile.mkdtemp(prefix="claw-demo-"))
    limit = (SECONDS_LIVE if live else SECONDS) if by_itself else None
    try:
        return asyncio.run(_within(limit, _demo(stage, folder, environment, live=live)))
    except TimeoutError:
        stage.say(f"The demo was not over after {limit:.0f} s, so it was ended. Everything is in {folder}.", "red")
        return 1


async def _within(seconds: float | None, work: Any) -> int:
    async with asyncio.timeout(seconds):
        return await work


async def _demo(stage: Stage, folder: Path, environment: Mapping[str, str], *, live: bool) -> int:
    basket = sample.copied(folder / "basket")
    stage.title("claw-lsp", _OPENING_LIVE if live else _OPENING)
    stage.step("A project with a failing test")
    first = await sample.tested(basket)
    stage.path("project", str(basket.folder))
    stage.say(f"{first.complaint}", "red")
    async with _provider(basket, environment, live=live) as provider:
        ours = _environment(folder, environment) | provider
        async with spawned(_SERVER, ours, cwd=basket.folder) as client:
            try:
                outcome = await play(stage, basket, client, first.complaint)
            except (ConnectionError, WireError) as error:
                stage.say(f"The server went away: {error}. What it said last:", "red")
                stage.say(client.stderr.decode(errors="replace")[-2000:])
                return 1
    return _sum_up(stage, basket, outcome, await sample.tested(basket))


def _sum_up(stage: Stage, basket: Sample, outcome: Outcome, last: Tested) -> int:
    """The difference, the tests, what it used and where to look; the exit code."""
    stage.step("What changed, as the buffer holds it")
    if outcome.before == outcome.after:
        stage.say("nothing")
    else:
        stage.difference("basket/totals.py", outcome.before, outcome.after)
        stage.say(f"It is one undo step of the editor's, named “{outcome.undone}”.")
    kept = outcome.after.startswith(TYPED)
    stage.say(f"The line you were typing {'is still there.' if kept else 'WAS LOST.'}", "green" if kept else "red")
    stage.step("The tests, run once more by the demo itself")
    stage.say(_summary(last), "green" if last.passed else "red")
    stage.step("What it took")
    ended = outcome.ended
    used = sum((Usage(**it) for it in ended["usage"].values()), Usage())
    stage.say(f"{tokens(used.prompt_tokens)} tokens in, {tokens(used.output_tokens)} out, {dollars(ended['cost'])}")
    stage.path("session log", outcome.log)
    stage.path("project", str(basket.folder))
    if ended["stopped"] != "done":
        stage.say(f"The turn ended as {ended['stopped']}: {ended['why']}", "red")
    stage.step("Next")
    stage.say("`claw-lsp init neovim` (or vscode, helix, emacs) prints the lines your editor needs.")
    return 0 if last.passed and kept else 1


def _summary(last: Tested) -> str:
    lines = [it for it in last.output.strip().splitlines() if it.strip()]
    ran = next((it for it in lines if it.startswith("Ran ")), "nothing ran")
    return f"{ran}: {lines[-1] if lines else ''}" if last.passed else f"{ran}: {last.complaint or lines[-1]}"


@asynccontextmanager
async def _provider(basket: Sample, environment: Mapping[str, str], *, live: bool) -> AsyncGenerator[dict[str, str]]:
    """The environment that says whom to ask: the real API, or a scripted one in this process."""
    if live:
        names = ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")
        yield {name: environment[name] for name in names if name in environment}
        return
    async with MessagesApi(script.scenario(basket), key=SCRIPTED_KEY) as api:
        yield {"ANTHROPIC_API_KEY": SCRIPTED_KEY, "ANTHROPIC_BASE_URL": api.url}


def _environment(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """A home that is nobody's, so that no settings of the person's take part; the package is found as it was here."""
    package = str(Path(claw_lsp.__file__).parent.parent)
    path = os.pathsep.join(filter(None, (package, environment.get("PYTHONPATH", ""))))
    return {
        "HOME": str(folder / "home"),
        "CLAW_HOME": str(folder / "claw"),
        "PYTHONPATH": path,
        "PYTHONUSERBASE": site.getuserbase(),
        "ANTHROPIC_AUTH_TOKEN": "",
    }


_OPENING = (
    "A coding agent that speaks the Language Server Protocol: your editor is its whole user interface."
    "\n\nYou are about to see one turn of it. The server, the wire, the edits and the tests are real; the editor has"
    " no screen, and the model is a script on this machine: no key, no network."
)
_OPENING_LIVE = (
    "A coding agent that speaks the Language Server Protocol: your editor is its whole user interface."
    "\n\nYou are about to see one turn of it, with the real model. The editor is one without a screen."
)
