"""Everything below the doors, put together by app.py and handed to each of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from claw_lsp.engine.hooking import Alone, unseen
from claw_lsp.engine.offering import TOOL_SEARCH, MakeTool, Nobody, Served
from claw_lsp.engine.opening import Home, LoadSettings
from claw_lsp.engine.sessions import Sessions
from claw_lsp.engine.small_model import SmallModel
from claw_lsp.engine.turn import Hands
from claw_lsp.facts.event import Entry
from claw_lsp.facts.settings import Problem, Settings
from claw_lsp.facts.usage import ModelFacts
from claw_lsp.ports.checkpoints import Checkpoints
from claw_lsp.ports.editors import Offer
from claw_lsp.ports.files import Search, Workspace
from claw_lsp.ports.guidance import Guidance
from claw_lsp.ports.hooks import Hooks
from claw_lsp.ports.mcp import Asked, Entries, Logins, Servers
from claw_lsp.ports.model import Count, Model
from claw_lsp.ports.person import Host
from claw_lsp.ports.processes import Processes
from claw_lsp.ports.rules import Assessor, ChangeGate, Memory, Trust
from claw_lsp.ports.tools import Tool
from claw_lsp.ports.world import Clock, Versions
from claw_lsp.prompts import Prompts


@dataclass(frozen=True, slots=True)
class House:
    """What every door shares. `home` and `claw_home` are absolute; `warm` loads what is slow to import. `unknown`
    says that a model is in no table, "" for one that is; `models` are the names a person may pick from. `search` is
    loaded when it is first called, best in a thread; it raises ProcessError where there is no ripgrep. `examine` says what is
    wrong in the text of a settings file, by its path; it too belongs in a thread. `settings_changes` tells of
    the settings files of these folders each time that some changed, `file_changes` what happens to any files (change, add, unlink);
    `gate` keeps changes back that hooks are asked about."""

    sessions: Sessions
    model: Model
    count: Count
    processes: Processes
    clock: Clock
    memory: Memory
    assessor: Callable[[SmallModel, Settings], Assessor]
    trust: Trust
    guidance: Guidance
    hooks: Callable[[Callable[[str], SmallModel], Workspace | None], Hooks]
    versions: Versions
    prompts: Prompts
    tools: Callable[[Settings], Mapping[str, Tool]]
    facts_of: Callable[[str, Settings], ModelFacts]
    unknown: Callable[[str, Settings], str]
    models: Callable[[Settings], tuple[str, ...]]
    search: Callable[[], Search]
    settings: LoadSettings
    examine: Callable[[str, str], tuple[Problem, ...]]
    settings_changes: Callable[[Callable[[], Iterable[str]]], AsyncGenerator[tuple[str, ...]]]
    file_changes: Callable[[tuple[str, ...]], AsyncGenerator[tuple[tuple[str, str], ...]]]
    gate: ChangeGate
    home: str
    claw_home: str
    checkpoints: Checkpoints
    warm: Callable[[], Awaitable[None]]
    offer: Offer
    entries: Entries
    logins: Logins
    servers: Servers
    make_tool: MakeTool
    tool_search: str

    def hands(
        self, workspace: Workspace, host: Host, settings: Settings, home: Home, asked: Asked | None = None
    ) -> Hands:
        """What one turn works with in a session that lives there; `asked` answers what MCP servers ask meanwhile."""
        self.servers.configure(home.folder, home.roots, settings)
        served = Served(
            own=self.tools(settings),
            servers=self.servers,
            folder=home.folder,
            asked=asked or Nobody(),
            make=self.make_tool,
            wish=settings.env.get(TOOL_SEARCH, self.tool_search),
            window=lambda model: self.facts_of(model, settings).context,
            rules=settings.rules,
        )
        return Hands(
            model=self.model,
            tools=served,
            offered=served.offered,
            workspace=workspace,
            host=host,
            clock=self.clock,
            memory=self.memory,
            guidance=self.guidance,
            hooks=self.hooks(partial(self.small, settings), workspace),
            assessor=self.assessor(self.small(settings), settings),
            settings=settings,
            facts_of=lambda model: self.facts_of(model, settings),
            home=self.home,
            claw_home=self.claw_home,
            checkpoints=self.checkpoints if settings.checkpoints else None,
            reopened=partial(self.sessions.reopened, home),
            compact_prompt=self.prompts.compact,
        )

    def small(self, settings: Settings, name: str = "") -> SmallModel:
        """The small model, or the one of that name, for what is asked beside a session."""
        main = self.facts_of(settings.model, settings)
        return SmallModel(self.model, self.facts_of(name or settings.small_model, settings), main)

    def alone(self, settings: Settings, show: Callable[[Entry], Awaitable[None]] = unseen) -> Alone:
        """What hooks need where no turn runs."""
        return Alone(self.hooks(partial(self.small, settings), None), settings, show)

    async def close(self) -> None:
        """End every process that was started, let the provider's connections go, then the logs."""
        await self.sessions.leave("other")
        await self.servers.close()
        await self.processes.close()
        await self.model.close()
        self.sessions.close()
