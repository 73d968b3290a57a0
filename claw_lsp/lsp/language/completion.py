"""Completion in the prompt block of a chat document: commands, their arguments, and everything that can be mentioned."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

from claw_lsp.core.chat.completing import Begun, begun, mention
from claw_lsp.core.chat.marks import parse
from claw_lsp.core.closeness import Rank, Wish, ranked, wish, with_folders
from claw_lsp.core.export import FORMATS
from claw_lsp.core.policy.paths import secret
from claw_lsp.core.words import counted
from claw_lsp.facts.past import SessionSummary
from claw_lsp.facts.rule import Mode
from claw_lsp.facts.settings import Effort
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.arguments import NoArguments, SessionArguments
from claw_lsp.lsp.buffers import Buffer, Position
from claw_lsp.lsp.commands.table import TABLE, Command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.language.place import Place, place_of
from claw_lsp.lsp.lately import Lately
from claw_lsp.lsp.mcp import served
from claw_lsp.lsp.questions import flat
from claw_lsp.lsp.uris import filelike
from claw_lsp.ports.languages import Symbol

MOST = 100
"""Items of one answer; the next letter brings others."""
MOST_FILES = 200_000
"""Files of one folder that are offered by name."""
AT_ONCE = 4000
"""Paths compared in one go, in a thread; between two goes the request can be cancelled."""

KEYWORD, MEMBER, FILE, FOLDER, REFERENCE = 14, 20, 17, 19, 18
KINDS = {"class": 7, "struct": 7, "interface": 8, "enum": 13, "module": 9, "namespace": 9, "method": 2, "function": 3}
"""LSP's CompletionItemKind; what is not here is shown as a variable."""
VARIABLE = 6
Placed = tuple[tuple[int, int, Rank], str]
"""A path behind what sorts it."""
NOTHING: dict[str, Any] = {"isIncomplete": False, "items": []}

MODES = {
    Mode.DEFAULT: "what no rule allows is asked",
    Mode.ACCEPT_EDITS: "edits in the workspace need no question",
    Mode.PLAN: "look and plan, change nothing",
    Mode.AUTO: "a small model decides most of what would be asked",
    Mode.BYPASS: "nearly nothing is asked; you are asked for this once",
    Mode.DONT_ASK: "what would be asked is refused",
}
WORDS = {
    "@diagnostics": "what the editor's language servers complain about",
    "@diagnostics:": "the same, of one file",
    "@buffers": "the files that are open in the editor",
    "@symbol:": "where something is defined",
    "@session:": "an earlier chat",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing to write: `new` in place of what was typed."""

    label: str
    new: str
    kind: int
    detail: str = ""


class ChatCompletion:
    """What is offered, with what it remembers of the disk."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._folders: set[str] = set()
        self._files = Lately(self._listed)
        self._sessions = Lately(door.house.sessions.list)
        self._complaints = Lately(lambda _: door.languages.all_diagnostics(), fresh=2.0)

    async def close(self) -> None:
        await self._files.close()
        await self._sessions.close()
        await self._complaints.close()

    async def at(self, buffer: Buffer, position: Position) -> dict[str, Any]:
        """The CompletionList for a place in a chat document."""
        door = self._door
        cursor = buffer.index.offset(*position, door.buffers.encoding)
        found = begun(buffer.text, cursor)
        if found is None:
            return NOTHING
        match found.kind:
            case "command":
                offers, whole = [*_commands(), *await self._prompts(buffer)], True
            case "argument":
                offers, whole = await self._arguments(found, buffer)
            case "mention":
                offers, whole = await self._mentions(found.typed, buffer)
        range_ = to_lsp.text_range(buffer.index, found.start, cursor, door.buffers.encoding)
        shown = [it for it in offers if not whole or it.new.casefold().startswith(found.typed.casefold())][:MOST]
        items = [_item(it, n, found.typed, range_) for n, it in enumerate(shown)]
        more = served.starting(door.house.servers, door.home_for(buffer.uri).folder)
        return {"isIncomplete": not whole or more, "items": items}

    # ---- arguments ------------------------------------------------------------------------------------------------

    async def _arguments(self, found: Begun, buffer: Buffer) -> tuple[Sequence[Offer], bool]:
        """What the command takes, and whether that is all there is."""
        door = self._door
        if found.command.startswith("mcp__"):
            folder = await self._met(buffer)
            offered = await served.arguments(door.house.servers, folder, found.command, found.typed)
            return [Offer(it.label, it.new, MEMBER, flat(it.detail, 100)) for it in offered], False
        if f"claw.{found.command}" not in TABLE:
            return (), True
        match found.command:
            case "model":
                settings = await door.settings_in(door.home_for(buffer.uri).folder)
                models = ((it, door.house.facts_of(it, settings).id) for it in door.house.models(settings))
                return [Offer(it, it, MEMBER, id_ if id_ != it else "") for it, id_ in models], True
            case "mode":
                return [Offer(it, it, MEMBER, MODES[it]) for it in Mode], True
            case "effort":
                return [Offer(it, it, MEMBER) for it in get_args(Effort)], True
            case "diff":
                place, session = place_of(door, buffer), parse(buffer.text).session
                changed = door.review.book(session).ledgers if session else ()
                git = Offer("git", "git", KEYWORD, "what differs from HEAD")
                return [git, *(Offer(it, it, FILE) for it in sorted(place.below(path) for path in changed))], True
            case "export":
                return [Offer(it, it, MEMBER) for it in FORMATS], True
            case "resume":
                return [_session(it, "") for it in await self._fitting_sessions(found.typed, buffer)], False
            case _:
                return (), True

    # ---- mentions -------------------------------------------------------------------------------------------------

    async def _mentions(self, typed: str, buffer: Buffer) -> tuple[Sequence[Offer], bool]:
        before, colon, words = typed.partition(":")
        if colon and before == "@session":
            return [_session(it, "@session:") for it in await self._fitting_sessions(words, buffer)], False
        if colon and before == "@symbol":
            return await self._symbols(words, buffer), False
        if colon and before == "@diagnostics":
            return await self._complained(words, buffer), False
        offered = await self._resources(typed, buffer)
        if colon and offered:
            return offered, False
        files = await self._paths(typed[1:].removeprefix('"'), typed, buffer)
        return [
            *(Offer(it, it, KEYWORD, help_) for it, help_ in WORDS.items() if it.startswith(typed)),
            *offered,
            *files,
        ], False

    async def _met(self, buffer: Buffer) -> str:
        """The folder whose MCP servers are meant; they are connected to when somebody first writes there."""
        door, home = self._door, self._door.home_for(buffer.uri)
        if home.folder not in self._folders:
            self._folders.add(home.folder)
            await served.met(door.house.servers, home, await door.settings_in(home.folder))
        return home.folder

    async def _prompts(self, buffer: Buffer) -> list[Offer]:
        """The prompts of MCP servers, as commands."""
        found = served.prompts(self._door.house.servers, await self._met(buffer))
        return [Offer(it.label, it.new, KEYWORD, flat(it.detail, 100)) for it in found]

    async def _resources(self, typed: str, buffer: Buffer) -> list[Offer]:
        """MCP servers that have resources, and what a server has."""
        found = await served.resources(self._door.house.servers, await self._met(buffer), typed)
        wanted = typed.casefold()
        return [Offer(it.label, it.new, REFERENCE, flat(it.detail, 100)) for it in found if wanted in it.new.casefold()]

    async def _symbols(self, words: str, buffer: Buffer) -> list[Offer]:
        """Each name once; a mention of it means all places where it is defined."""
        place = place_of(self._door, buffer)
        by_name: dict[str, list[Symbol]] = {}
        for it in await self._door.symbols.find(words, place.roots):
            by_name.setdefault(it.name, []).append(it)
        return [
            Offer(
                name,
                f"@symbol:{name}",
                KINDS.get(found[0].kind, VARIABLE),
                f"{found[0].kind} · {place.below(found[0].path)}:{found[0].line}"
                + (f" and {len(found) - 1} more" if len(found) > 1 else ""),
            )
            for name, found in by_name.items()
        ]

    async def _complained(self, words: str, buffer: Buffer) -> list[Offer]:
        """The files that the editor's other language servers complain about, as far as it can be asked."""
        place = place_of(self._door, buffer)
        known = {place.below(path): found for path, found in (await self._complaints.get("") or {}).items()}
        return [
            Offer(path, f"@diagnostics:{path}", FILE, counted(len(known[path]), "diagnostic"))
            for _, path in sorted(ranked(wish(words), known))
            if not any(it.isspace() for it in path)
        ]

    async def _fitting_sessions(self, words: str, buffer: Buffer) -> list[SessionSummary]:
        """The sessions of this workspace whose id or title holds the words, newest first; not this one."""
        wanted = words.casefold()
        known = await self._sessions.get(self._door.home_for(buffer.uri).folder) or ()
        fitting = (it for it in known if it.n_turns and wanted in f"{it.session} {it.title}".casefold())
        return [it for it in fitting if self._door.chats.path(it.session) != buffer.path][:MOST]

    async def _paths(self, words: str, typed: str, buffer: Buffer) -> list[Offer]:
        """Files and folders below the roots, those that are open first; their names only, and not those of secrets."""
        place = place_of(self._door, buffer)
        chats = self._door.chats
        open_here = [it.path for it in self._door.buffers.all() if filelike(it.path) and not chats.is_chat(it.path)]
        order = {place.below(it): n for n, it in enumerate(reversed(open_here))}
        wished = wish(words.removeprefix("./"))
        best = _best(wished, order, order)
        for root in dict.fromkeys(place.roots):
            listed = await self._files.get(root) or ()
            for n in range(0, len(listed), AT_ONCE):
                some: Iterable[str] = listed[n : n + AT_ONCE]
                if root != place.folder:
                    some = map(partial(_written, place, root.rstrip("/")), some)
                found = await asyncio.to_thread(_best, wished, some, order)
                best = heapq.nsmallest(2 * MOST, [*best, *found])
        names = [it for it in dict.fromkeys(path for _, path in best) if it != words and not secret(it)]
        return [
            Offer(it, new, FOLDER if it.endswith("/") else FILE, "open" if it in order else "")
            for it in names
            if (new := mention(it, typed)) is not None
        ][:MOST]

    async def _listed(self, root: str) -> Sequence[str]:
        """Every file and every folder below a root, as git and ripgrep see them. Raises ClawError."""
        search = await asyncio.to_thread(self._door.house.search)
        names = await search.names(root, ignored=not (await self._door.settings_in(root)).respect_gitignore)
        return await asyncio.to_thread(with_folders, names[:MOST_FILES])


def _commands() -> list[Offer]:
    return [
        Offer(name, f"{name} " if _takes_words(it) else name, KEYWORD, it.title)
        for it in sorted(TABLE.values(), key=lambda it: it.name)
        if it.slash and (name := f"/{it.name.removeprefix('claw.')}")
    ]


def _takes_words(command: Command) -> bool:
    return command.arguments not in (NoArguments, SessionArguments)


def _session(it: SessionSummary, prefix: str) -> Offer:
    title = flat(it.title, 80) or it.session
    return Offer(title, f"{prefix}{it.session}", REFERENCE, f"{it.session[:8]} · {counted(it.n_turns, 'turn')}")


def _best(wished: Wish, paths: Iterable[str], order: Mapping[str, int]) -> list[Placed]:
    """The best of some paths: among those that fit alike, first the open ones."""
    found = ranked(wished, paths)
    return heapq.nsmallest(2 * MOST, (((it[0], order.get(path, len(order)), it), path) for it, path in found))


def _written(place: Place, root: str, name: str) -> str:
    return place.below(f"{root}/{name}")


def _item(it: Offer, n: int, typed: str, range_: dict[str, Any]) -> dict[str, Any]:
    item = {
        "label": it.label,
        "kind": it.kind,
        "sortText": f"{n:04}",
        # Some clients show only what begins with the letters typed; what was found in another way would vanish there.
        "filterText": it.new if it.new.startswith(typed) else typed,
        "textEdit": {"range": range_, "newText": it.new},
    }
    return item | ({"detail": it.detail} if it.detail else {})
