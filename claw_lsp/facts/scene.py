"""The session as a tool sees it while it plans and performs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from claw_lsp.facts.call import Task
from claw_lsp.facts.hook import HookVerdict
from claw_lsp.facts.offered import ToolSpec
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.facts.settings import Settings


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a session has read, as far as it bears on what it may send. `untrusted` says where text came from that others
    wrote: hosts, tools, files. `private`: files of the person's were read. `known` are the hosts that the person named,
    or allowed a call to."""

    untrusted: tuple[str, ...] = ()
    private: bool = False
    known: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a plan is judged. Absolute folders, normalised: the workspace's, the one the shell stands in, the person's, and
    ours below theirs (CLAW_HOME), and that of the agent's notes where the person chose one; `remembers`: it keeps some.
    `hook` is what the hooks said of this plan. `reads_inside`: what lies outside of the roots
    is never read."""

    roots: tuple[str, ...]
    cwd: str = ""
    home: str = ""
    exposure: Exposure = Exposure()
    claw_home: str = ""
    hook: HookVerdict | None = None
    notes: str = ""
    remembers: bool = False
    reads_inside: bool = False

    @property
    def here(self) -> str:
        """What relative patterns hang on."""
        return self.cwd or (self.roots[0] if self.roots else "/")


@dataclass(frozen=True, slots=True)
class Scene:
    """What a tool may know of its session.

    `cwd` is where the shell stands, absolute. `roots` are the workspace folders and additional directories. `home` is
    the person's home, `claw_home` our own folder. `seen` maps absolute paths to digests of the text the model knows. `run`
    names the turn in flight. `rules` are all that are in force. `hook` is what the hooks said of the call that is judged.
    `tools` are those that may be called now.
    """

    session: str
    run: str
    cwd: str
    roots: tuple[str, ...]
    home: str
    mode: Mode
    seen: Mapping[str, str]
    tasks: tuple[Task, ...]
    settings: Settings
    exposure: Exposure = Exposure()
    claw_home: str = ""
    rules: tuple[Rule, ...] = ()
    hook: HookVerdict | None = None
    tools: tuple[ToolSpec, ...] = ()

    @property
    def ground(self) -> Ground:
        notes = self.settings.memory_directory or ""
        remembers, inside = self.settings.auto_memory, self.settings.reads_inside
        return Ground(
            self.roots, self.cwd, self.home, self.exposure, self.claw_home, self.hook, notes, remembers, inside
        )
