"""Edits of one open chat document, one at a time, confirmed by its text, until it is as it should be."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol, cast

from claw_lsp.core.chat import weave
from claw_lsp.core.chat.weave import Offer, Weave
from claw_lsp.facts.fault import ClientSilent, HostError
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.buffers import Buffer
from claw_lsp.lsp.chat.desk import Desk

logger = logging.getLogger(__name__)

MOST_TRIES = 8
"""Edits in a row of which nothing came, though nobody typed, before the editor is left alone until something happens."""
SLOWEST = 2.0
_INFO = 3


class Woven(Protocol):
    path: str
    weave: Weave


class Stream:
    """Invariant: at most one edit is under way, and two are never sent within `patience.interval` seconds."""

    def __init__(self, desk: Desk, page: Woven) -> None:
        self._desk = desk
        self._page = page
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._sent_at = float("-inf")
        self._n_failed = 0
        self._told = False

    def wake(self) -> None:
        """There may be something to do."""
        if self._task is None or self._task.done():
            self._at_rest.clear()
            self._task = asyncio.create_task(self._run(), name=f"chat {self._page.path}")
            self._task.add_done_callback(self._ended)

    def moved(self) -> None:
        """The text changed: what was refused may be taken now."""
        self._news.set()
        self._n_failed = 0
        if not self._page.weave.idle:
            self.wake()

    def stop(self) -> None:
        """Leave the document alone until the next `wake`."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._at_rest.set()

    async def close(self) -> None:
        """Stop, and have stopped."""
        task = self._task
        self.stop()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)

    async def rest(self, timeout: float) -> None:
        """Wait until there is nothing to do, or for so many seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._at_rest.wait()
        except TimeoutError:
            logger.info("the chat %s is still behind", self._page.path)

    async def _run(self) -> None:
        while (buffer := self._desk.buffers.get(self._page.path)) is not None:
            if not buffer.safe:
                return
            if self._n_failed >= MOST_TRIES or not self._desk.powers.apply_edit:
                self._tell()
                return
            loop = asyncio.get_running_loop()
            wait = self._sent_at + self._desk.patience.interval * 2 ** min(self._n_failed, 6) - loop.time()
            if wait > 0:
                await asyncio.sleep(min(wait, SLOWEST))
                continue
            made = weave.offer(self._page.weave)
            if made is None:
                return
            await self._send(made)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task is self._task:
            self._task = None
            self._at_rest.set()
        if not task.cancelled() and (error := task.exception()):
            logger.error("the chat %s is not followed any more", self._page.path, exc_info=error)

    async def _send(self, made: tuple[Weave, Offer]) -> None:
        buffer = self._desk.buffers.get(self._page.path)
        if buffer is None or buffer.text != made[0].text:
            return
        self._page.weave, offer = made
        self._sent_at = asyncio.get_running_loop().time()
        params = self._params(buffer, offer)
        asking = asyncio.ensure_future(
            self._desk.editor.ask("workspace/applyEdit", params, timeout=self._desk.patience.answer)
        )
        try:
            answer = await self._answer(asking, offer)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        if self._landed(offer):
            self._n_failed = 0
            return
        if answer is False:
            self._failed(offer, buffer.text)
            return
        await self._echo(offer, buffer.text, buffer.version)
        if not self._landed(offer):
            # Where the client's word counts the edit may still come; the next one is for the same version, so that
            # only one of them can be made.
            self._failed(offer if not self._desk.powers.honest else None, buffer.text)

    async def _answer(self, asking: asyncio.Future[Any], offer: Offer) -> bool | None:
        """What the client says of the edit, unless the text says it first; None when it says nothing."""
        while not asking.done() and not self._landed(offer):
            self._news.clear()
            news = asyncio.ensure_future(self._news.wait())
            await asyncio.wait({asking, news}, return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
            await asyncio.gather(news, return_exceptions=True)
        if not asking.done():
            return True
        try:
            result = asking.result()
        except ClientSilent:
            return None
        except HostError as error:
            logger.debug("the chat's edit was refused: %s", error)
            return False
        return cast("dict[str, Any]", result).get("applied") is True if isinstance(result, dict) else False

    async def _echo(self, offer: Offer, text: str, version: int) -> None:
        """Wait for the text to show an edit that is said to be made.

        Neovim says so of every edit. It makes one for its own version only, so the first change it tells of shows the
        edit, or that it was dropped; it may tell of it 150 ms later, together with what was typed since. Version 0 is
        not checked there: then the edit may come after that change.
        """
        powers = self._desk.powers
        limit = self._desk.patience.echo if powers.honest else powers.echo_delay
        try:
            async with asyncio.timeout(limit):
                while not self._landed(offer):
                    if self._page.weave.text != text and not powers.honest and version != 0:
                        return
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return

    def _landed(self, offer: Offer) -> bool:
        """An offer that is no longer waited for is in the text: nothing else takes it off but we."""
        return all(it.id != offer.id for it in self._page.weave.offers)

    def _failed(self, offer: Offer | None, text: str) -> None:
        if offer is not None:
            self._page.weave = weave.refused(self._page.weave, offer.id)
        # Somebody typed: that is the reason, and the next edit is for the new text.
        self._n_failed = 0 if self._page.weave.text != text else self._n_failed + 1

    def _params(self, buffer: Buffer, offer: Offer) -> to_lsp.Json:
        edits = to_lsp.text_edits(buffer.index, (offer.edit,), self._desk.buffers.encoding)
        if self._desk.powers.document_changes:
            edit = to_lsp.versioned_edit(buffer.uri, buffer.version, edits)
        else:
            edit = to_lsp.plain_edit(buffer.uri, edits)
        # No label: Neovim 0.11 says it aloud for each edit, and there are ten a second.
        return {"edit": edit}

    def _tell(self) -> None:
        """Said once: the answer cannot be put where the person expects it."""
        if self._told or self._page.weave.idle:
            return
        self._told = True
        text = f"Claw: the editor does not take edits of {self._page.path}. Close it: then the answer is written there."
        self._desk.editor.notify("window/showMessage", {"type": _INFO, "message": text})
