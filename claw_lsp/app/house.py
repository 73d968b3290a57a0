"""Everything below the doors, over the real world. What is slow to import is imported where it is first needed."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claw_lsp import __version__, prompts
from claw_lsp.adapters.clock import SystemClock
from claw_lsp.adapters.interpreter import importing
from claw_lsp.adapters.jsonl import JsonlArchive
from claw_lsp.adapters.shared_editors import EditorOffer
from claw_lsp.app.watching import file_changes, settings_changes
from claw_lsp.app.world import World
from claw_lsp.engine.house import House
from claw_lsp.engine.offering import TOOL_SEARCH, MakeTool
from claw_lsp.engine.opening import LoadSettings, Opener
from claw_lsp.engine.sessions import Sessions
from claw_lsp.engine.small_model import SmallModel
from claw_lsp.facts.fault import ClawError
from claw_lsp.facts.instructions import Around
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.settings import InForce, Problem, Settings
from claw_lsp.facts.trust import Item
from claw_lsp.facts.usage import ModelFacts

if TYPE_CHECKING:
    from claw_lsp.adapters.claude.client import ClaudeModel
    from claw_lsp.adapters.claude.credentials import Credential
    from claw_lsp.adapters.claude.providers import Cloud
    from claw_lsp.adapters.guidance import FolderGuidance
    from claw_lsp.adapters.instructions import Sources
    from claw_lsp.adapters.mcp.config import McpSources
    from claw_lsp.adapters.mcp.logins import McpLogins
    from claw_lsp.adapters.mcp.tokens import LoginStore
    from claw_lsp.adapters.settings import LastGood, Loaded, TrustRecord
    from claw_lsp.adapters.settings.seeking import Folder
    from claw_lsp.engine.looking import Looking
    from claw_lsp.engine.offering import MakeTool
    from claw_lsp.facts.mcp import ServerTool
    from claw_lsp.ports.checkpoints import Checkpoints
    from claw_lsp.ports.files import Search, Workspace
    from claw_lsp.ports.hooks import HookPlace, Hooks
    from claw_lsp.ports.mcp import Asked, Entries, Servers
    from claw_lsp.ports.model import Model
    from claw_lsp.ports.processes import Processes, Sandbox
    from claw_lsp.ports.rules import Assessor
    from claw_lsp.ports.tools import Tool
    from claw_lsp.ports.world import Clock, Versions
    from claw_lsp.tools.mcp_tool import Room


def build(world: World) -> House:
    """Everything below the doors, over the real world. Nothing is started, read or imported that can wait."""
    from claw_lsp.adapters.git import Git
    from claw_lsp.adapters.sandbox.system import SystemSandbox
    from claw_lsp.adapters.settings import LastGood, RuleMemory

    clock, texts = SystemClock(), prompts.load()
    model, processes = _model(world, clock), _processes(world)
    versions = Git(search_path=world.environment.get("PATH", ""), home=world.home)
    entries, servers = _mcp(world)
    search, room, kept = searcher(), _room(world), LastGood()
    sandbox = SystemSandbox(world.environment, world.claw_home)
    tools = _toolmaker(model, processes, search, sandbox, partial(_tools_of_servers, servers, room))
    load = _settings_loader(world, tools, kept)
    guidance = _guidance(world)
    opener = _opener(texts, versions, load, tools, guidance, entries)
    return House(
        sessions=Sessions(JsonlArchive(Path(world.claw_home), clock), opener, partial(_mode_in, load)),
        model=model,
        count=model.count,
        processes=processes,
        clock=clock,
        memory=RuleMemory(world.claw_home),
        trust=trust_record(world, clock),
        guidance=guidance,
        hooks=partial(_hooks, world, processes, texts, servers, tools),
        versions=versions,
        prompts=texts,
        assessor=partial(_assessor, texts.auto_mode),
        tools=tools,
        facts_of=_facts_of,
        unknown=_unknown,
        models=_models,
        search=search,
        settings=load,
        examine=partial(_examined, world.claw_home),
        settings_changes=partial(settings_changes, world),
        file_changes=file_changes,
        gate=kept.gate,
        home=world.home,
        claw_home=world.claw_home,
        checkpoints=checkpoints_of(world),
        warm=partial(_warm, model, tools),
        offer=EditorOffer(world.claw_home),
        entries=entries,
        servers=servers,
        logins=logins_of(world),
        make_tool=_maker_of_mcp_tools(servers, room),
        tool_search=world.environment.get(TOOL_SEARCH, ""),
    )


def _examined(claw_home: str, path: str, text: str) -> tuple[Problem, ...]:
    """What is wrong in the text of a settings file, or of a .mcp.json."""
    from claw_lsp.adapters.mcp import entries
    from claw_lsp.adapters.settings import examined
    from claw_lsp.core.files.kinds import kind_of

    return entries.examined(text, path) if kind_of(path, claw_home) == "mcp" else examined(path, text)


def _opener(
    texts: prompts.Prompts,
    versions: Versions,
    load: LoadSettings,
    tools: Callable[[Settings], Mapping[str, Tool]],
    guidance: FolderGuidance,
    entries: Entries,
) -> Opener:
    """What makes a session of a folder."""

    async def serves(folder: str, settings: Settings) -> bool:
        return bool((await entries.read(folder, settings)).servers)

    return Opener(
        prompts=texts,
        versions=versions,
        load=load,
        tools=tools,
        serves=serves,
        facts_of=_facts_of,
        instructions=guidance.beginning,
        system=f"{platform.system()} {platform.release()}",
        today=lambda: datetime.now().astimezone().date().isoformat(),
        version=__version__,
    )


def _mcp(world: World) -> tuple[Entries, Servers]:
    """The MCP servers that are configured, and the connections to them; nothing is connected to yet."""
    from claw_lsp.adapters.mcp.files import McpFiles
    from claw_lsp.adapters.mcp.servers import McpServers

    entries = McpFiles(mcp_sources(world))
    return entries, McpServers(entries, logins_kept(world), world.environment, world.claw_home)


def _room(world: World) -> Callable[[], Room]:
    """How much of a result of an MCP tool the model is shown; the rest goes into files. Imported when the first tool is made."""

    def made() -> Room:
        from claw_lsp.adapters.mcp.keeping import kept_text
        from claw_lsp.tools.mcp_tool import LIMIT, Room

        said = world.environment.get("MAX_MCP_OUTPUT_TOKENS", "").strip()
        limit = int(said) * 4 if said.isdecimal() and int(said) else LIMIT
        return Room(partial(kept_text, Path(world.claw_home)), limit)

    return made


def _maker_of_mcp_tools(servers: Servers, room: Callable[[], Room]) -> MakeTool:
    def made(tool: ServerTool, folder: str, asked: Asked) -> Tool:
        from claw_lsp.tools.mcp_tool import mcp_tool

        return mcp_tool(tool, folder, servers, asked, room())

    return made


def _tools_of_servers(servers: Servers, room: Callable[[], Room]) -> list[Tool]:
    from claw_lsp.tools.list_mcp_resources import ListMcpResourcesTool
    from claw_lsp.tools.read_mcp_resource import ReadMcpResourceTool
    from claw_lsp.tools.tool_search import ToolSearchTool
    from claw_lsp.tools.wait_for_mcp_servers import WaitForMcpServersTool

    return [
        ToolSearchTool(),
        WaitForMcpServersTool(servers),
        ListMcpResourcesTool(servers),
        ReadMcpResourceTool(servers, room()),
    ]


def mcp_sources(world: World) -> McpSources:
    """Where MCP servers are configured."""
    from claw_lsp.adapters.mcp.config import McpSources

    only = world.only_these_servers
    return McpSources(world.home, world.claw_home, world.environment, world.servers, strict=only)


def logins_of(world: World) -> McpLogins:
    """Logins to MCP servers."""
    from claw_lsp.adapters.mcp.logins import McpLogins

    return McpLogins(logins_kept(world), world.environment)


def logins_kept(world: World) -> LoginStore:
    """Where logins to MCP servers are kept for the person."""
    from claw_lsp.adapters.mcp.tokens import LoginStore, SystemKeyring

    return LoginStore(world.claw_home, SystemKeyring())


def trust_record(world: World, clock: Clock) -> TrustRecord:
    """What the person said of the folders they opened."""
    from claw_lsp.adapters.guidance import FolderGuidance
    from claw_lsp.adapters.settings import TrustRecord

    guidance = FolderGuidance(partial(_sources, world))
    return TrustRecord(world.home, world.claw_home, partial(_sought, world, guidance), clock.now)


def _settings_loader(world: World, tools: Callable[[Settings], object], kept: LastGood) -> LoadSettings:
    """Reads the settings in a thread, and makes the tools for them there: their imports read many files."""

    def found(folder: str, section: Mapping[str, Any]) -> InForce:
        loaded = _loaded(world, folder, section, kept)
        tools(loaded.settings)
        return InForce(loaded.settings, loaded.problems, loaded.withheld)

    async def off_the_loop(folder: str, section: Mapping[str, Any]) -> InForce:
        return await asyncio.to_thread(found, folder, section)

    return off_the_loop


async def _mode_in(load: LoadSettings, folder: str) -> Mode:
    return (await load(folder, {})).settings.mode


def _loaded(world: World, folder: str | None, section: Mapping[str, Any], kept: LastGood | None = None) -> Loaded:
    from claw_lsp.adapters.claude.models import within
    from claw_lsp.adapters.settings import MANAGED, load, managed

    loaded = load(
        home=world.home,
        claw_home=world.claw_home,
        folder=folder,
        command_line=world.command_line,
        editor=section,
        policy=managed(MANAGED),
        kept=kept,
    )
    return replace(loaded, settings=within(loaded.settings))


def _model(world: World, clock: SystemClock) -> ClaudeModel:
    """The provider. What says where a key goes is read from the person's own settings, never from a project's."""
    from claw_lsp.adapters.claude.client import ClaudeModel

    own = own_settings(world)
    return ClaudeModel(
        partial(find_key, world, own),
        clock,
        base_url=world.environment.get("ANTHROPIC_BASE_URL", "").strip() or None,
        key_header=own.api_key_header,
        find_cloud=partial(find_cloud, world, own),
    )


def own_settings(world: World) -> Settings:
    """What the person's own files and the command line say: nothing that a project brought."""
    return _loaded(world, None, {}).settings


def find_key(world: World, own: Settings) -> Credential | None:
    """The key, wherever the person keeps it. May block. Raises ModelError."""
    from claw_lsp.adapters.claude.credentials import find

    return find(world.environment, world.home, helper=own.api_key_helper)


def find_cloud(world: World, own: Settings) -> Cloud | None:
    """The other provider that the person's own settings or the environment name, if any. Raises ModelError."""
    from claw_lsp.adapters.claude.providers import cloud_of, provider_of

    return cloud_of(provider_of(own.provider, world.environment), world.environment)


async def _warm(model: ClaudeModel, tools: Callable[[Settings], object]) -> None:
    """Import, off the loop, what the first turn would wait for: the SDK and the tools."""
    await model.warm()
    await asyncio.to_thread(_import_tools, tools)


def _import_tools(tools: Callable[[Settings], object]) -> None:
    with importing():
        import_module("claw_lsp.adapters.instructions")
        tools(Settings.model_validate({}))


def _processes(world: World) -> Processes:
    from claw_lsp.adapters.process.shell import ShellProcesses

    return ShellProcesses(world.environment, str(Path(world.claw_home) / "output"))


def _hooks(
    world: World,
    processes: Processes,
    texts: prompts.Prompts,
    servers: Servers,
    tools: Callable[[Settings], Mapping[str, Tool]],
    small: Callable[[str], SmallModel],
    workspace: Workspace | None,
) -> Hooks:
    """What runs hooks; their agents look at the workspace of the turn, and at the disk where there is none."""
    from claw_lsp.adapters.hooks.runner import HookRunner, Means

    return HookRunner(
        Means(
            processes=processes,
            environment=world.environment,
            servers=servers,
            small=small,
            look=partial(_look, world, tools, workspace),
            text=texts.hook,
            agent_text=texts.hook_agent,
            folder=str(Path(world.claw_home) / "output"),
        )
    )


def _look(
    world: World, tools: Callable[[Settings], Mapping[str, Tool]], workspace: Workspace | None, place: HookPlace
) -> Looking:
    from claw_lsp.adapters.disk import DiskWorkspace
    from claw_lsp.engine.looking import Looking, scene

    return Looking(tools(place.settings), workspace or DiskWorkspace(), scene(place, world.home, world.claw_home))


def _facts_of(model: str, settings: Settings) -> ModelFacts:
    from claw_lsp.adapters.claude.models import resolve

    return resolve(model, settings)


def _assessor(prompt: str, small: SmallModel, settings: Settings) -> Assessor:
    from claw_lsp.adapters.classifier import Classifier

    return Classifier(prompt, small, settings)


def _unknown(model: str, settings: Settings) -> str:
    from claw_lsp.adapters.claude.models import unknown

    return unknown(model, settings)


def _models(settings: Settings) -> tuple[str, ...]:
    from claw_lsp.adapters.claude.models import names

    return names(settings)


def searcher() -> Callable[[], Search]:
    """The one search, made when it is first asked for."""
    made: list[Search] = []

    def search() -> Search:
        if not made:
            from claw_lsp.adapters.ripgrep import Ripgrep, ripgrep_program

            made.append(Ripgrep(ripgrep_program()))
        return made[0]

    return search


def _guidance(world: World) -> FolderGuidance:
    from claw_lsp.adapters.guidance import FolderGuidance

    return FolderGuidance(partial(_sources, world))


def checkpoints_of(world: World) -> Checkpoints:
    """Where files are kept as they were."""
    from claw_lsp.adapters.checkpoints.store import GitCheckpoints

    return GitCheckpoints(Path(world.claw_home) / "checkpoints.git", world.environment.get("PATH", ""))


def _sources(world: World) -> Sources:
    """Where instructions come from, and whether the person let a folder's files import this."""
    from claw_lsp.adapters.instructions import Sources
    from claw_lsp.adapters.settings.trust import approvals_of
    from claw_lsp.core.approvals import approved

    def lets(folder: str, it: Item) -> bool:
        try:
            return approved(it, approvals_of(Path(world.claw_home), folder, world.home))
        except ClawError:
            return False

    return Sources(world.home, world.claw_home, approved=lets)


def _sought(world: World, guidance: FolderGuidance, folder: str) -> Folder:
    """What a folder's settings files ask for, and its instructions: files of elsewhere that they import."""
    loaded = _loaded(world, folder, {})
    loaded.sought.items += guidance.outside(Around(folder, (folder,), loaded.settings))
    return loaded.sought


def _toolmaker(
    model: Model,
    processes: Processes,
    search: Callable[[], Search],
    sandbox: Sandbox,
    of_servers: Callable[[], list[Tool]],
) -> Callable[[Settings], Mapping[str, Tool]]:
    """Tools are made once for each value of the settings that changes them; the first call imports them."""
    made: dict[Hashable, Mapping[str, Tool]] = {}

    def tools(settings: Settings) -> Mapping[str, Tool]:
        switched = (settings.todo_write, settings.allow_private_addresses, settings.auto_memory)
        key = (*switched, settings.small_model, settings.model)
        if key not in made:
            made[key] = {it.name: it for it in (*_tools(model, processes, search(), sandbox, settings), *of_servers())}
        return made[key]

    return tools


def _tools(model: Model, processes: Processes, search: Search, sandbox: Sandbox, settings: Settings) -> list[Tool]:
    from claw_lsp.adapters.disk import DiskWorkspace
    from claw_lsp.adapters.web import HttpWeb
    from claw_lsp.app.below import finder
    from claw_lsp.tools.ask_user_question import AskUserQuestionTool
    from claw_lsp.tools.bash import BashTool
    from claw_lsp.tools.edit import EditTool
    from claw_lsp.tools.enter_plan_mode import EnterPlanModeTool
    from claw_lsp.tools.exit_plan_mode import ExitPlanModeTool
    from claw_lsp.tools.glob import GlobTool
    from claw_lsp.tools.grep import GrepTool
    from claw_lsp.tools.notebook_edit import NotebookEditTool
    from claw_lsp.tools.read import ReadTool
    from claw_lsp.tools.remember import RememberTool
    from claw_lsp.tools.task_create import TaskCreateTool
    from claw_lsp.tools.task_get import TaskGetTool
    from claw_lsp.tools.task_list import TaskListTool
    from claw_lsp.tools.task_output import TaskOutputTool
    from claw_lsp.tools.task_stop import TaskStopTool
    from claw_lsp.tools.task_update import TaskUpdateTool
    from claw_lsp.tools.todo_write import TodoWriteTool
    from claw_lsp.tools.web_fetch import WebFetchTool
    from claw_lsp.tools.web_search import WebSearchTool
    from claw_lsp.tools.write import WriteTool

    side = SmallModel(model, _facts_of(settings.small_model, settings), _facts_of(settings.model, settings))
    tasks: list[Tool] = (
        [TodoWriteTool()]
        if settings.todo_write
        else [TaskCreateTool(), TaskGetTool(), TaskListTool(), TaskUpdateTool()]
    )
    return [
        ReadTool(DiskWorkspace()),
        WriteTool(),
        EditTool(),
        NotebookEditTool(),
        GlobTool(search),
        GrepTool(search),
        BashTool(processes, sandbox, finder(lambda: search)),
        TaskOutputTool(processes),
        TaskStopTool(processes),
        WebFetchTool(HttpWeb(), side),
        WebSearchTool(side),
        *tasks,
        *([RememberTool()] if settings.auto_memory else []),
        AskUserQuestionTool(),
        EnterPlanModeTool(),
        ExitPlanModeTool(),
    ]
