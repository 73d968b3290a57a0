"""What a person is about to write in a chat document's prompt block, as far as something can be offered for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from claw_lsp.core.chat.mentions import Mention, written
from claw_lsp.core.chat.outline import in_prompt


@dataclass(frozen=True, slots=True)
class Begun:
    """What is begun: a slash command, the words behind one, or a mention. `typed` stands from `start` to the cursor; it holds
    the slash, or the @ and the quotation mark if there is one. `command` is the name before an argument."""

    kind: Literal["command", "argument", "mention"]
    start: int
    typed: str
    command: str = ""


def begun(text: str, cursor: int) -> Begun | None:
    """What the cursor stands behind; None where nothing can be offered, such as anywhere in an answer."""
    block = in_prompt(text, cursor)
    if block is None:
        return None
    before = text[block[0] : cursor]
    line = before[before.rfind("\n") + 1 :]
    if found := _MENTION.search(line):
        return Begun("mention", cursor - len(found["typed"]), found["typed"])
    words = before.lstrip()
    if found := _COMMAND.fullmatch(words):
        return Begun("command", cursor - len(words), words)
    if found := _ARGUMENT.fullmatch(words):
        return Begun("argument", cursor - len(found["typed"]), found["typed"], found["name"].lower())
    return None


def mention(path: str, typed: str) -> str | None:
    """A path as it is mentioned: quoted where it must be, or where the person began so. None for one that cannot be, or in
    which something does not show."""
    if '"' in path or not path.isprintable():
        return None
    return f'@"{path}"' if typed.startswith('@"') else written(Mention("path", path))


_MENTION = re.compile(r"""(?:^|(?<=[\s(\[{,;'"]))(?P<typed>@(?:"[^"\r\n]*|[^\s"]*))\Z""")
_COMMAND = re.compile(r"/[A-Za-z][\w:-]*|/")
_ARGUMENT = re.compile(r"/(?P<name>[A-Za-z][\w:-]*)[ \t]+(?P<typed>[^\r\n]*)")
