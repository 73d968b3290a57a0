"""A commit message: written from what is staged, and put into the message that is being written, where one is open."""

from __future__ import annotations

import logging
import re

from claw_lsp.core.briefing import Subject, trailer
from claw_lsp.core.words import message_in
from claw_lsp.facts.fault import BadRequest, ClawError
from claw_lsp.facts.text import Change, Document, TextEdit
from claw_lsp.lsp.arguments import UriArguments
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.commands.turns import start_about
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.messages import INFO
from claw_lsp.lsp.runs import Run
from claw_lsp.lsp.transport.messages import RequestId

logger = logging.getLogger(__name__)

MESSAGE_FILE = "COMMIT_EDITMSG"
"""Where git lets a person write the message."""
_SCISSORS = "# ------------------------ >8 ------------------------"


@command("claw.commitMessage", UriArguments)
async def commit_message(door: Door, args: UriArguments, request: RequestId | None) -> Answer:
    """Write a commit message for what is staged, else for all changes: into the message that is open in the editor, and
    `claw.wait` has it as `text`."""
    home = door.home_for(args.uri)
    staged = await door.house.versions.diff(home.folder, staged=True)
    difference = staged or await door.house.versions.diff(home.folder)
    if not difference:
        raise BadRequest(f"There is nothing to commit in {home.folder}: no change against HEAD.")
    settings = await door.settings_in(home.folder)
    what = "The staged changes" if staged else "The changes (nothing is staged)"
    subject = Subject(extra={what: difference}, trailer=trailer(settings))
    session = await door.session_for(None, args.uri, None, None)
    run = await start_about(door, session, "commit_message", subject, request)
    if not door.powers.events:
        # A shim does this itself: it knows of more places, such as VS Code's box.
        door.later(_into_the_open_message(door, run), "the commit message")
    return {"session": run.session, "run": run.id}


async def _into_the_open_message(door: Door, run: Run) -> None:
    ended = await door.runs.wait(run, None)
    text = message_in(ended.text)
    open_ = [it for it in door.buffers.all() if it.path.rsplit("/", 1)[-1] == MESSAGE_FILE]
    if ended.stopped != "done" or not text or not open_:
        return
    try:
        document = await door.workspace.read(open_[-1].path)
        if written(document.text):
            door.messages.say(INFO, "Claw: words stand in the commit message already; the new one is in the chat.")
            return
        await door.workspace.apply(_above_the_comments(document, text), "Claw: commit message")
    except ClawError as error:
        logger.info("The commit message is in the chat only: %s", error)
        door.messages.say(INFO, f"Claw: the commit message is in the chat; it could not be put into the file: {error}")


def written(text: str) -> str:
    """What the person wrote of a message: everything above git's comments and its scissors."""
    above = text.split(_SCISSORS)[0]
    return "\n".join(it for it in above.split("\n") if not it.startswith("#")).strip()


def _above_the_comments(document: Document, message: str) -> Change:
    start = re.match(r"\s*", document.text)
    end = start.end() if start else 0
    return Change(document.path, document, (TextEdit(0, end, f"{message}\n\n"),))
