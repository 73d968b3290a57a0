"""Fills the port `Sandbox` with what this machine has."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from claw_lsp.adapters.sandbox import bubblewrap, seccomp
from claw_lsp.adapters.sandbox.bridge import Bridge
from claw_lsp.adapters.sandbox.fds import in_memory
from claw_lsp.adapters.sandbox.finding import Mechanism, find
from claw_lsp.adapters.sandbox.landlocked import Landlocked
from claw_lsp.adapters.sandbox.layout import Layout, Mount, lay_out, planted
from claw_lsp.adapters.sandbox.placeholders import Placeholders
from claw_lsp.adapters.sandbox.seatbelt import Seatbelted
from claw_lsp.facts.fault import FolderGone, ToolError
from claw_lsp.facts.sandbox import NO_WALLS, SandboxSettings, Walls
from claw_lsp.facts.scene import Ground
from claw_lsp.ports.processes import Confined

_OWN = (str(Path(__file__).parents[2]), sys.prefix, sys.base_prefix)
"""What runs outside of every sandbox, again and again: this program and its Python."""


Removals = set[asyncio.Future[None]]
"""What is still being removed behind commands."""


class SystemSandbox:
    """`environment` is the server's own; `claw_home` is hidden from commands."""

    def __init__(self, environment: Mapping[str, str], claw_home: str) -> None:
        self._search_path = environment.get("PATH", "")
        self._claw_home = claw_home
        self._found: dict[tuple[str, ...], Mechanism] = {}
        self._removals: Removals = set()

    async def walls(self, settings: SandboxSettings, ground: Ground) -> Walls:
        if not settings.sandbox_enabled:
            return NO_WALLS
        return await asyncio.to_thread(self._walls, settings, ground)

    async def confine(self, settings: SandboxSettings, ground: Ground) -> Confined:
        making = asyncio.create_task(asyncio.to_thread(self._confined, settings, ground))
        try:
            confined = await asyncio.shield(making)
        except asyncio.CancelledError:
            await asyncio.wait((making,))
            if making.exception() is None:
                await making.result().leave()
            raise
        if isinstance(confined, _Bubblewrapped):
            await confined.open()
        return confined

    async def settled(self) -> None:
        """Nothing that stood in for something on the disk is left of the commands that have ended."""
        await asyncio.gather(*self._removals)

    def mechanism(self, roots: Sequence[str]) -> Mechanism:
        """What would be used where these folders may be written; what works is tried out once. Blocks."""
        key = tuple(roots)
        found = self._found.get(key)
        if found is None or not os.access(found.program, os.X_OK):
            found = find(self._search_path, roots)
            if found.kind == "bubblewrap":
                self._found[key] = found
        return found

    def _walls(self, settings: SandboxSettings, ground: Ground) -> Walls:
        mechanism = self.mechanism(ground.roots)
        if mechanism.kind == "none":
            return Walls(why=mechanism.why)
        try:
            self._layout(settings, ground)
        except ToolError as error:
            return Walls(why=str(error))
        return Walls(mechanism.said, mechanism.why, whole=mechanism.kind == "bubblewrap")

    def _layout(self, settings: SandboxSettings, ground: Ground) -> Layout:
        return lay_out(settings, ground, self._claw_home, _OWN)

    def _confined(self, settings: SandboxSettings, ground: Ground) -> Confined:
        mechanism = self.mechanism(ground.roots)
        layout = self._layout(settings, ground)
        match mechanism.kind:
            case "bubblewrap":
                if not bubblewrap.shows(layout, layout.cwd):
                    raise FolderGone(f"The shell's folder {layout.cwd} is not there in the sandbox.")
                held = Placeholders(f"{self._claw_home}/sandbox", layout.roots)
                return _Bubblewrapped(mechanism.program, settings, layout, held, self._removals)
            case "landlock":
                return Landlocked(settings, layout, f"{self._claw_home}/sandbox")
            case "seatbelt":
                return Seatbelted(settings, layout)
            case "none":
                raise ToolError(f"The command was not run: the sandbox it was to run in is gone. {mechanism.why}")


class _Bubblewrapped:
    """Fills `Confined` for one command. Made off the loop; `open` on it."""

    def __init__(
        self, program: str, settings: SandboxSettings, layout: Layout, held: Placeholders, removals: Removals
    ) -> None:
        self._held: Placeholders | None = held
        self._layout = layout
        self._removals = removals
        self._settings = settings
        self._bridge: Bridge | None = None
        standing = held.make(layout.placeholders)
        # What somebody made since it was looked for is theirs, and read only.
        others = [it.path for it in layout.placeholders if it not in standing and os.path.lexists(it.path)]
        mounts = (*layout.mounts, *(Mount(it, "read") for it in others))
        filter_ = seccomp.program(unix=bool(settings.sandbox_sockets))
        self._filter = in_memory(filter_) if filter_ else None
        self._prefix = bubblewrap.arguments(
            program, replace(layout, mounts=mounts, placeholders=standing), settings.sandbox_sockets, self._filter
        )
        self._said: tuple[str, ...] = ()

    async def open(self) -> None:
        """Let through what the settings let through."""
        if Bridge.wanted(self._settings):
            self._bridge = Bridge(self._settings)

    @property
    def fds(self) -> tuple[int, ...]:
        found = (self._filter, self._bridge.fd if self._bridge else None)
        return tuple(it for it in found if it is not None)

    def inside(self, argv: Sequence[str], environment: Mapping[str, str]) -> tuple[tuple[str, ...], Mapping[str, str]]:
        words, kept = bubblewrap.outer(environment)
        launcher: tuple[str, ...] = ()
        if self._bridge is not None:
            launcher, kept = self._bridge.launcher, kept | self._bridge.environment
        return (*self._prefix, *words, "--", *launcher, *argv), kept

    async def leave(self) -> tuple[str, ...]:
        held, bridge, fds = self._held, self._bridge, self.fds
        self._held = self._bridge = self._filter = None
        for fd in fds:
            os.close(fd)
        if bridge is not None:
            self._said = await bridge.close()
        if held is not None:
            self._said += _told(await asyncio.to_thread(planted, self._layout), self._layout)
            # Not waited for: to remove some thirty folders can take longer than the command did.
            removal = asyncio.get_running_loop().run_in_executor(None, held.leave)
            self._removals.add(removal)
            removal.add_done_callback(self._removals.discard)
        return self._said


def _told(paths: Sequence[str], layout: Layout) -> tuple[str, ...]:
    """What is said of protected paths that a command made where nothing could stand in for them."""
    names = [it.removeprefix(f"{layout.roots[0]}/") for it in paths[:5]]
    if not names:
        return ()
    return (
        f"It made {', '.join(names)}: other programs run or obey what stands there. Tell the person that it is new.",
    )
