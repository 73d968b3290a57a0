"""The parts of a door, put together once it is known who the client is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from claw_lsp.engine.hooking import Alone
from claw_lsp.engine.house import House
from claw_lsp.engine.session import Session
from claw_lsp.engine.titles import Titles
from claw_lsp.engine.watched import Watched
from claw_lsp.facts.event import Entry, Event
from claw_lsp.facts.question import Question
from claw_lsp.lsp.along import Lookup
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.chat import Chats, Desk
from claw_lsp.lsp.client import Client
from claw_lsp.lsp.commands import along, mcp, slash, turns
from claw_lsp.lsp.comments import Comments
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.earlier import Earlier
from claw_lsp.lsp.events import Events
from claw_lsp.lsp.hunks import Hunks
from claw_lsp.lsp.languages import AskedSymbols, EditorLanguages
from claw_lsp.lsp.line_pages import LinePages, of_part, of_rule
from claw_lsp.lsp.mcp.pages import ServerPages
from claw_lsp.lsp.mcp.sharing import Sharing
from claw_lsp.lsp.messages import WARNING, Messages
from claw_lsp.lsp.notices import Notices
from claw_lsp.lsp.powers import Powers
from claw_lsp.lsp.progress import Progress
from claw_lsp.lsp.questions import Questions
from claw_lsp.lsp.review import Review
from claw_lsp.lsp.runs import Runs
from claw_lsp.lsp.settings_files import SettingsFiles
from claw_lsp.lsp.shim import Shim
from claw_lsp.lsp.status import status_of
from claw_lsp.lsp.surroundings import Beside
from claw_lsp.lsp.symbols import WrittenSymbols
from claw_lsp.lsp.transport.messages import RequestId
from claw_lsp.lsp.trusting import Trusting
from claw_lsp.lsp.views import Views
from claw_lsp.lsp.workspace import EditorWorkspace
from claw_lsp.ports.files import Workspace


def make_door(house: House, editor: Client, disk: Workspace, powers: Powers, folders: tuple[str, ...]) -> Door:
    """The parts of a door, put together for a client with these powers."""
    buffers = Buffers(powers.encoding)
    views = Views(editor, Path(house.claw_home) / "views", shows=powers.show_document)
    workspace, slot = EditorWorkspace(editor, buffers, powers, disk), list[Door]()
    review = Review(buffers, workspace.editing, partial(_hunks_changed, slot))
    questions = _questions(editor, powers, views, slot)
    chats = Chats(chat_desk(house, editor, buffers, powers, workspace, slot))
    buffers.overlooks = chats.is_chat
    languages = EditorLanguages(editor, declared=powers.language_features)
    buffers.watch(languages.happened)
    symbols = AskedSymbols(languages, WrittenSymbols(house.search, buffers))
    messages = Messages(editor, chats.document, chats.show, toasts=powers.toasts)
    slot.append(
        Door(
            house=house,
            editor=editor,
            powers=powers,
            buffers=buffers,
            workspace=workspace,
            runs=Runs(),
            questions=questions,
            trusting=_trusting(house, questions, messages, slot),
            progress=Progress(editor, shown=powers.progress),
            notices=Notices(buffers, partial(_publish, editor)),
            chats=chats,
            views=views,
            rules_pages=LinePages(buffers, views, workspace, "permissions.md", of_rule),
            window_pages=LinePages(buffers, views, workspace, "context.md", of_part),
            server_pages=_server_pages(house, buffers, views, workspace, slot),
            messages=messages,
            review=review,
            earlier=Earlier(house.sessions, review, buffers, workspace),
            hunks=Hunks(review, buffers),
            comments=Comments(buffers, partial(_comments_changed, slot)),
            settings_files=_settings_files(house, buffers, slot),
            watched=Watched(house.file_changes, house.sessions, partial(_wired, slot)),
            sharing=Sharing(house.offer),
            shim=Shim(editor, powers),
            events=shim_events(editor, powers, slot),
            languages=languages,
            symbols=symbols,
            titles=Titles(house.clock, partial(_write, slot)),
            lookup=_lookup(house, workspace, languages, symbols, buffers),
            around=_around(house, workspace, languages, buffers, powers, slot),
            folders=folders,
        )
    )
    house.sessions.wakes = partial(_begun_by_hook, slot[0])
    return slot[0]


async def _begun_by_hook(door: Door, session: str, words: str) -> None:
    await turns.send_words(door, session, words, None)


def _publish(editor: Client, uri: str, found: list[dict[str, Any]]) -> None:
    editor.notify("textDocument/publishDiagnostics", {"uri": uri, "diagnostics": found})


def _server_pages(house: House, buffers: Buffers, views: Views, workspace: Workspace, slot: list[Door]) -> ServerPages:
    def later(work: Any, name: str) -> None:
        slot[0].later(work, name)

    async def renew(session: str | None) -> None:
        await mcp.renewed(slot[0], session)

    pages = ServerPages(buffers, views, workspace, renew, later)
    house.servers.on_change(pages.changed)
    return pages


def _trusting(house: House, questions: Questions, messages: Messages, slot: list[Door]) -> Trusting:
    return Trusting(house.trust, questions, messages.say, lambda: slot[0].section)


def shim_events(editor: Client, powers: Powers, slot: list[Door]) -> Events:
    """What a shim is told of a door that `slot` will hold."""

    def later(work: Any, name: str) -> None:
        slot[0].later(work, name)

    return Events(editor, declared=powers.events, status=lambda: status_of(slot[0]), later=later)


def chat_desk(
    house: House, editor: Client, buffers: Buffers, powers: Powers, workspace: Workspace, slot: list[Door]
) -> Desk:
    """What the chat documents need of a door that `slot` will hold."""

    async def entries(session: str) -> Sequence[Entry]:
        return await house.sessions.entries(session)

    async def fresh(path: str) -> str:
        return (await slot[0].session_for(None, path, None, None)).id

    async def begin(session: str, words: str, request: RequestId | None) -> dict[str, Any]:
        return await turns.send_words(slot[0], session, words, request)

    def running(session: str) -> str | None:
        return next((it.id for it in slot[0].runs.active(session)), None)

    def again(session: str) -> str | None:
        last = slot[0].runs.last(session)
        return last.id if last is not None and last.result is not None and last.again is not None else None

    async def configured(home: str) -> str | None:
        chosen = (await slot[0].settings_in(home)).chats_directory
        refused = chosen is None and (await house.trust.sought(home)).standing == "refused"
        # Nothing is written into a folder that the person does not trust.
        return str(Path(house.claw_home) / "chats") if refused else chosen

    return Desk(
        editor=editor,
        buffers=buffers,
        powers=powers,
        entries=entries,
        fresh=fresh,
        begin=begin,
        running=running,
        again=again,
        slash=slash.table(slot),
        about_session=slash.about_session(),
        folders=lambda: slot[0].folders,
        configured=configured,
        save=workspace.save,
        now=house.clock.now,
        claw_home=house.claw_home,
    )


async def _wired(slot: list[Door], session: Session) -> Alone:
    door = slot[0]
    return door.house.alone(await door.settings_of(session), partial(door.saw, session.id))


async def _write(slot: list[Door], session: Session, event: Event) -> None:
    await slot[0].write(session, event)


def _questions_changed(slot: list[Door]) -> None:
    slot[0].questions_changed()


def _questions(editor: Client, powers: Powers, views: Views, slot: list[Door]) -> Questions:
    return Questions(
        editor,
        show=partial(_show_change, views),
        changed=partial(_questions_changed, slot),
        answerable=powers.questions,
        side_by_side=powers.toasts,
    )


def _lookup(
    house: House, workspace: Workspace, languages: EditorLanguages, symbols: AskedSymbols, buffers: Buffers
) -> Lookup:
    entries = house.sessions.entries
    return Lookup(house.tools, workspace, languages, symbols, entries, house.home, lambda: buffers.visible)


def _around(
    house: House, workspace: Workspace, languages: EditorLanguages, buffers: Buffers, powers: Powers, slot: list[Door]
) -> Beside:
    lenses = powers.code_lens or powers.code_lens_refresh

    def later(work: Any, name: str) -> None:
        slot[0].later(work, name)

    async def now(session: str) -> str:
        return await along.line_of(slot[0], session)

    def changed() -> None:
        if lenses:
            slot[0].surroundings_changed()
        else:
            later(along.noticed(slot[0]), "showing what goes along")

    around = Beside(buffers, workspace, languages, house.home, house.claw_home, now, changed, later, not lenses)
    buffers.watch(lambda _: around.touched())
    return around


def _comments_changed(slot: list[Door]) -> None:
    slot[0].comments_changed()


def _hunks_changed(slot: list[Door]) -> None:
    slot[0].hunks_changed()


async def _show_change(views: Views, question: Question) -> None:
    detail = question.detail if question.document else question.plan.detail
    await views.show(await views.write(question.session, question.document or "change.diff", detail))


def _settings_files(house: House, buffers: Buffers, slot: list[Door]) -> SettingsFiles:
    def later(work: Any, name: str) -> None:
        slot[0].later(work, name)

    def changed() -> None:
        slot[0].notices.show_settings(slot[0].settings_files.diagnostics())

    def say(text: str) -> None:
        slot[0].messages.say(WARNING, text)

    return SettingsFiles(buffers, house.examine, house.claw_home, later, changed, say)
