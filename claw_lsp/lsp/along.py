"""What a prompt mentions is looked up and goes to the model with it, by the tools the model itself would use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Any

from claw_lsp.core.blocks import sound, text_block
from claw_lsp.core.briefing import fenced, title
from claw_lsp.core.chat.mentions import Mention, mentions, written
from claw_lsp.core.policy.judge import judge, named_by_person
from claw_lsp.core.policy.paths import inside, secret
from claw_lsp.core.state import State
from claw_lsp.core.surroundings import UNSAVED
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Block, Call, Result
from claw_lsp.facts.event import Entry, Titled, TurnEnded, UserSpoke
from claw_lsp.facts.fault import LogError, NoSuchFile, ToolError
from claw_lsp.facts.language import Diagnostic
from claw_lsp.facts.rule import Rule
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.languages import Languages, Symbols
from claw_lsp.ports.tools import Tool

Rules = tuple[Rule, ...]

MOST, LONGEST = 20, 200_000
"""Mentions looked up in one prompt, and characters sent along with it; for more the model has its tools."""
AROUND_SYMBOL = 60
"""Lines shown from a symbol's definition on."""
MOST_LINES = 100
"""Lines of a list."""


@dataclass(frozen=True, slots=True)
class Along:
    """What goes to the model with a prompt: `blocks`, and `seen`, what it knows of files then. `lines` tell people of it,
    those of what was not sent begin with "not sent". `untrusted` names what of it others wrote."""

    blocks: tuple[Block, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict[str, str])
    lines: tuple[str, ...] = ()
    untrusted: tuple[str, ...] = ()

    def __add__(self, other: Along) -> Along:
        lines, untrusted = (*self.lines, *other.lines), (*self.untrusted, *other.untrusted)
        return Along((*self.blocks, *other.blocks), {**self.seen, **other.seen}, lines, untrusted)

    @property
    def told(self) -> dict[str, Any]:
        """What the fact that it went along says of it, beside the blocks."""
        return {"seen": dict(self.seen), "along": self.lines, "untrusted": self.untrusted}

    @property
    def size(self) -> int:
        return sum(len(it.get("text", "")) for it in self.blocks)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Where things are looked up. `entries` reads a session's log (raises LogError); `visible` are the paths that the person
    has before them, as far as that is known."""

    tools: Callable[[Settings], Mapping[str, Tool]]
    workspace: Workspace
    languages: Languages
    symbols: Symbols
    entries: Callable[[str], Awaitable[Sequence[Entry]]]
    home: str
    visible: Callable[[], tuple[str, ...]]

    async def __call__(self, words: str, state: State, settings: Settings) -> Along:
        """What these words mention, as it is now. What names nothing is left alone: it is a word like any other."""
        found = mentions(words)
        if not found:
            return Along()
        scene = _scene(state, settings, self.home)
        rules = scene.rules
        along = Along()
        for it in found[:MOST]:
            one = await self._one(it, scene, rules)
            if along.size + one.size > LONGEST:
                one = _not_sent(it, "with it the prompt would be too long; Claw can read it")
            along += one
        left = len(found) - MOST
        return replace(along, lines=(*along.lines, f"not sent: {counted(left, 'more mention')}")) if left > 0 else along

    async def _one(self, it: Mention, scene: Scene, rules: Rules) -> Along:
        match it.kind:
            case "path":
                return await self._path(it, scene, rules)
            case "symbol":
                return await self._symbol(it, scene, rules)
            case "diagnostics":
                return await self._diagnostics(it, scene)
            case "buffers":
                open_ = self._open()
                dirty = await unsaved([one.path for one in open_], self.workspace)
                paths = [self._open_file(one.path, scene, dirty) for one in open_]
                return _sent(it, "The files that are open in the editor", paths, counted(len(paths), "open file"))
            case "session":
                return await self._session(it)

    # ---- files and folders ----------------------------------------------------------------------------------------

    async def _path(self, it: Mention, scene: Scene, rules: Rules) -> Along:
        """A file as the Read tool shows it, a folder as Glob lists it; nothing where there is neither."""
        if "://" in it.name:
            return Along()
        given: dict[str, Any] = {"file_path": it.name}
        if it.first is not None and it.last is not None:
            given |= {"offset": it.first, "limit": it.last - it.first + 1}
        try:
            return await self._looked(it, Call(id="mention", name="Read", input=given), scene, rules)
        except NoSuchFile:
            return Along()
        except ToolError as refusal:
            listing = Call(id="mention", name="Glob", input={"pattern": "*", "path": it.name})
            try:
                return await self._looked(it, listing, scene, rules)
            except ToolError:
                return _not_sent(it, str(refusal).split("\n")[0])

    async def _looked(self, it: Mention, call: Call, scene: Scene, rules: Rules) -> Along:
        """What a tool shows, if the rules let the model see it. Raises ToolError."""
        tool = self.tools(scene.settings)[call.name]
        plan = await tool.plan(call, scene, self.workspace)
        # A file that the person names is read wherever it lies; a folder is listed where the model may list it unasked.
        decides = named_by_person if call.name == "Read" else judge
        verdict = decides(rules, scene.mode, plan, scene.ground)
        if verdict.decision != "allow":
            return _not_sent(it, verdict.reason)
        result = await tool.perform(plan, scene, self.workspace, (), _unheard)
        return _shown_by_tool(it, plan.title, result)

    # ---- what others know -----------------------------------------------------------------------------------------

    async def _symbol(self, it: Mention, scene: Scene, rules: Rules) -> Along:
        """Where it is defined, and the text of the likeliest place."""
        name = it.name.rpartition(".")[2]
        found = [one for one in await self.symbols.find(name, scene.roots) if one.name == name]
        container = it.name.rpartition(".")[0].rpartition(".")[2]
        found = [one for one in found if container and one.container == container] or found
        if not found:
            return Along()
        lines = [f"{_shown(one.path, scene)}:{one.line}: {one.kind} {one.name}" for one in found]
        told = _sent(it, f"Where {it.name} is defined", lines, counted(len(found), "place"))
        first = {"file_path": found[0].path, "offset": found[0].line, "limit": AROUND_SYMBOL}
        try:
            shown = await self._looked(it, Call(id="mention", name="Read", input=first), scene, rules)
        except ToolError:
            return told
        # A piece of a file is not the file: what the model knows of it does not change.
        return told + replace(shown, seen={}, lines=())

    async def _diagnostics(self, it: Mention, scene: Scene) -> Along:
        if it.name:
            # Nothing of the tools is imported before a turn needs it (tests/wire/test_start_up.py).
            from claw_lsp.tools.paths import absolute

            path = absolute(it.name, scene.cwd, scene.home)
            found: Mapping[str, tuple[Diagnostic, ...]] = {path: await self.languages.diagnostics(path)}
        else:
            found = await self.languages.all_diagnostics()
        lines = [
            f"{_shown(path, scene)}:{one.first_line}: {one.severity}: {one.message} ({one.source})".replace(" ()", "")
            for path, complaints in found.items()
            if not secret(path)
            for one in complaints
        ]
        return _sent(it, "What the editor's language servers report", lines, counted(len(lines), "diagnostic"))

    async def _session(self, it: Mention) -> Along:
        try:
            entries = await self.entries(it.name)
        except LogError:
            return Along()
        events = [one.event for one in entries]
        spoken = [one.text for one in events if isinstance(one, UserSpoke)]
        name = next(
            (one.title for one in reversed(events) if isinstance(one, Titled)), title(spoken[0]) if spoken else ""
        )
        answer = next((one.text for one in reversed(events) if isinstance(one, TurnEnded) and one.text), "")
        heading = f'The session "{name}": what was asked last, and the answer'
        return _sent(it, heading, [*spoken[-1:], "", *answer.split("\n")], name or "a session")

    def _open_file(self, path: str, scene: Scene, dirty: Container[str]) -> str:
        visible = " (before the person now)" if path in self.visible() else ""
        return f"{_shown(path, scene)}{UNSAVED if path in dirty else ''}{visible}"

    def _open(self) -> list[Any]:
        return [it for it in self.workspace.open_documents() if not secret(it.path)]


async def unsaved(paths: Iterable[str], workspace: Workspace) -> frozenset[str]:
    """Those of these open files whose text is not what the disk holds."""

    async def differs(path: str) -> bool:
        try:
            return (await workspace.read(path)).dirty
        except ToolError:
            return False

    found = tuple(paths)
    return frozenset(compress(found, await asyncio.gather(*map(differs, found))))


def _scene(state: State, settings: Settings, home: str) -> Scene:
    return Scene(
        session=state.session,
        run="",
        cwd=state.cwd,
        roots=(*state.roots, *settings.add_dirs),
        home=home,
        mode=state.mode,
        seen=state.seen,
        tasks=state.tasks,
        settings=settings,
        rules=(*settings.rules, *state.rules),
    )


def _shown_by_tool(it: Mention, heading: str, result: Result) -> Along:
    """A tool's result as it is sent along; text is fenced, because it is data."""
    label = f"{written(it)} ({heading})"
    line = f"{written(it)} ({result.summary})"
    if isinstance(result.content, str):
        blocks = (text_block(sound(f"{label}, as data:\n{fenced(result.content)}")),)
    else:
        blocks = (text_block(f"{label}, as data:"), *result.content)
    return Along(blocks, result.seen, (line,))


def _sent(it: Mention, heading: str, lines: Sequence[str], summary: str) -> Along:
    shown = [*lines[:MOST_LINES], *([f"… and {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else [])]
    text = f"{heading}, as data:\n{fenced(chr(10).join(shown) or '(none)')}"
    return Along((text_block(sound(f"{written(it)}: {text}")),), lines=(f"{written(it)} ({summary})",))


def _not_sent(it: Mention, why: str) -> Along:
    return Along(lines=(f"not sent: {written(it)} ({why})",))


def _shown(path: str, scene: Scene) -> str:
    from claw_lsp.tools.paths import below

    return (below(path, scene.cwd) or path) if inside(path, scene.roots) else path


async def _unheard(line: str) -> None:
    """What a tool says while it looks is not worth a line."""
