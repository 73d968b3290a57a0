"""The fact a session begins with: everything that is fixed from then on, and what the first message opens with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from claw_lsp.core import briefing, modes
from claw_lsp.core.models import refused
from claw_lsp.engine.offering import OF_SERVERS
from claw_lsp.engine.toolbox import spec
from claw_lsp.facts.event import SessionStarted
from claw_lsp.facts.fault import BadRequest
from claw_lsp.facts.instructions import Around, FoundInstructions
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.settings import InForce, Settings
from claw_lsp.facts.usage import ModelFacts
from claw_lsp.ports.tools import Tool
from claw_lsp.ports.world import Versions
from claw_lsp.prompts import Prompts

LoadSettings = Callable[[str, Mapping[str, Any]], Awaitable[InForce]]
"""(folder, the editor's section) -> the settings in force there."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where a session lives: `folder` is its working directory at first, `roots` the workspace folders. `editor` names
    the client, "" for none; `section` is its part of the settings; `open_texts` are the texts of open buffers by path,
    which win over the disk."""

    folder: str
    roots: tuple[str, ...]
    editor: str = ""
    section: Mapping[str, Any] = field(default_factory=dict[str, Any])
    open_texts: Callable[[], Mapping[str, str]] = field(default=dict[str, str], compare=False)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the person chose for a session; None is what the settings say."""

    mode: Mode | None = None
    model: str | None = None
    effort: str | None = None


@dataclass(frozen=True, slots=True)
class Opener:
    """Makes the first fact of sessions. `system` describes the machine; `today` is the date as people write it; `serves`: MCP
    servers are configured for a folder."""

    prompts: Prompts
    versions: Versions
    load: LoadSettings
    tools: Callable[[Settings], Mapping[str, Tool]]
    serves: Callable[[str, Settings], Awaitable[bool]]
    facts_of: Callable[[str, Settings], ModelFacts]
    instructions: Callable[[Around], Awaitable[FoundInstructions]]
    system: str
    today: Callable[[], str]
    version: str

    async def __call__(self, session: str, home: Home, chosen: Chosen) -> SessionStarted:
        """The fact; its context also tells the model of a mode that is not the default."""
        in_force, git = await asyncio.gather(self.load(home.folder, home.section), self.versions.summary(home.folder))
        settings = in_force.settings
        model = self.facts_of(chosen.model or settings.model, settings).id
        if refusal := refused(model, settings):
            raise BadRequest(f"model: {refusal}")
        environment = briefing.environment(  # noqa: S604  `shell` is a word in a text
            roots=home.roots,
            cwd=home.folder,
            system=self.system,
            shell="bash",
            date=self.today(),
            editor=home.editor,
            git=git,
            trailer=briefing.trailer(settings),
            footer=briefing.footer(settings),
            language=settings.language or "",
        )
        mode = chosen.mode or settings.mode
        searches = await self.serves(home.folder, settings)
        tools = (it for name, it in self.tools(settings).items() if searches or name not in OF_SERVERS)
        found = await self.instructions(Around(home.folder, home.roots, settings, home.open_texts()))
        context = briefing.context(environment, found.files)
        return SessionStarted(
            session=session,
            cwd=home.folder,
            roots=home.roots,
            model=model,
            mode=mode,
            effort=chosen.effort or settings.effort,
            system=self.prompts.system,
            tools=tuple(map(spec, tools)),
            context=f"{context}\n\n{modes.BEGINS[mode]}" if mode in modes.BEGINS else context,
            version=self.version,
            instructions={it.path: it.digest for it in found.files},
        )
