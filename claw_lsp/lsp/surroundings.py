"""Where the person is, looked up when a prompt is sent and when a chat shows what would be sent along."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from claw_lsp.core.blocks import text_block
from claw_lsp.core.policy.judge import judge
from claw_lsp.core.policy.paths import inside, secret
from claw_lsp.core.state import State
from claw_lsp.core.surroundings import OFF, UNSAVED, Surroundings, is_known, line, told
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Call
from claw_lsp.facts.fault import ClawError, ToolError
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.scene import Ground
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.text import digest
from claw_lsp.lsp.along import Along, unsaved
from claw_lsp.lsp.buffers import Buffer, Buffers
from claw_lsp.ports.files import Workspace
from claw_lsp.ports.languages import Languages

MOST_OFTEN = 1.0
"""Seconds between two looks at whether what is shown still holds."""
MOST_FILES = 50
"""Open files that are looked at, those opened last."""

NOTHING = Surroundings()


@dataclass(slots=True)
class Beside:
    """What goes with prompts by itself. `off` are the sessions for which the person switched it off, until this server ends.

    Invariant: `changed` is called soon after what was last shown of a session is no longer so, at most once in MOST_OFTEN
    seconds; where nobody asks what to show (`unasked`), after whatever the person does.
    """

    buffers: Buffers
    workspace: Workspace
    languages: Languages
    home: str
    claw_home: str
    now: Callable[[str], Awaitable[str]]
    """What would be shown of a session now."""
    changed: Callable[[], None]
    later: Callable[[Awaitable[None], str], None]
    unasked: bool = False
    off: set[str] = field(default_factory=set[str])
    shown: dict[str, str] = field(default_factory=dict[str, str])
    waiting: bool = False

    def switched_off(self, session: str, settings: Settings) -> bool:
        return session in self.off or not settings.send_along

    async def along(self, state: State, settings: Settings) -> Along:
        """For a prompt in this session. What the model was told last and still holds is not told again."""
        if self.switched_off(state.session, settings):
            return Along()
        found = await self.look(state, settings, await unsaved((it.path for it in self._open()), self.workspace))
        text, lines = told(found), (line(found),) if line(found) else ()
        if not text or is_known(text, state):
            return Along(lines=tuple(f"not sent: {it}" for it in found.kept_back))
        return Along((text_block(text),), lines=lines)

    async def line(self, state: State, settings: Settings) -> str:
        """One line for the person, "" where nothing would go along."""
        return OFF if self.switched_off(state.session, settings) else line(await self.look(state, settings))

    def _open(self) -> list[Buffer]:
        return [it for it in self.buffers.all() if not self.buffers.overlooks(it.path)][-MOST_FILES:]

    async def look(self, state: State, settings: Settings, dirty: frozenset[str] = frozenset()) -> Surroundings:
        """What may go along now; `dirty` are the files that are known to be unsaved. What the rules would not let the model read
        unasked is not even named."""
        buffers = self._open()
        why = {it.path: await self._kept_back(it.path, state, settings) for it in buffers}
        free = [it for it in buffers if not why[it.path]]
        seen = self.buffers.seen
        active = self.buffers.get(seen.path) if seen else None
        found = NOTHING
        if active is not None and not why.get(active.path, "it is no file of yours"):
            found = replace(await self._place(active, state), dirty=active.path in dirty)
        others = sum(1 for path in why if why[path] and (active is None or path != active.path))
        kept_back = [f"the file before you ({why[active.path]})"] if active and why.get(active.path) else []
        kept_back += [counted(others, "other open file")] if others else []
        return replace(
            found,
            edited=tuple(_shown(it.path, state) for it in free if self._edited(it, state)),
            opened=tuple(
                sorted(
                    f"{_shown(it.path, state)}{UNSAVED if it.path in dirty else ''}" for it in free if it is not active
                )
            ),
            kept_back=tuple(kept_back),
        )

    def touched(self) -> None:
        """The person moved, typed, opened or closed something."""
        if (self.shown or self.unasked) and not self.waiting:
            self.waiting = True
            self.later(self._look_again(), "looking at what goes along")

    async def _look_again(self) -> None:
        await asyncio.sleep(MOST_OFTEN)
        self.waiting = False
        if self.unasked:
            self.changed()
            return
        for session, before in tuple(self.shown.items()):
            try:
                now = await self.now(session)
            except ClawError:
                # Deleted, or another editor's: there is nothing to show.
                self.shown.pop(session, None)
                continue
            if now != before:
                self.shown[session] = now
                self.changed()

    async def _kept_back(self, path: str, state: State, settings: Settings) -> str:
        """Why the model may not know of this file, "" where it may."""
        if secret(path):
            return "it may hold secrets"
        try:
            where = await self.workspace.locate(path)
        except ToolError as error:
            return str(error).partition("\n")[0]
        plan = Plan(
            Call(id="along", name="Read", input={"file_path": path}), Reach.READ, f"Read {path}", paths=(where,)
        )
        roots = (*state.roots, *settings.add_dirs)
        ground = Ground(
            roots,
            state.cwd,
            self.home,
            state.exposure,
            self.claw_home,
            notes=settings.memory_directory or "",
            reads_inside=settings.reads_inside,
        )
        verdict = judge((*settings.rules, *state.rules), state.mode, plan, ground)
        return "" if verdict.decision == "allow" else verdict.reason

    async def _place(self, buffer: Buffer, state: State) -> Surroundings:
        seen = self.buffers.seen
        assert seen is not None
        index, encoding = buffer.index, self.buffers.encoding
        start, end = sorted((index.offset(*seen.start, encoding), index.offset(*seen.end, encoding)))
        last = index.position(end, "utf-32")
        touches = last[0] - 1 if end > start and last[1] == 0 else last[0]
        at_top = start == end == 0
        known = state.seen.get(buffer.path) == digest(buffer.text)
        return Surroundings(
            path=_shown(buffer.path, state),
            # Where nobody said where the cursor is it stands at the top.
            lines=None if at_top else (index.position(start, "utf-32")[0] + 1, touches + 1),
            selected="" if known else buffer.text[start:end],
            is_selection=end > start,
            diagnostics=await self.languages.diagnostics(buffer.path),
        )

    def _edited(self, buffer: Buffer, state: State) -> bool:
        known = state.seen.get(buffer.path)
        return bool(known) and known != digest(buffer.text)


def _shown(path: str, state: State) -> str:
    return path[len(state.cwd) :].lstrip("/") if state.cwd and inside(path, (state.cwd,)) else path
