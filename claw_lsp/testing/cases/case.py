"""One case file: read into its parts, and written again with the expected parts as they came out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from claw_lsp.testing.cases.story import CaseError, Item, items

Json = dict[str, Any]

EXPECTED = ("transcript", "prompt", "questions", "messages", "diagnostics", "hunks", "chat")
"""Parts that come out of a case, beside the files, in the order in which they are written."""
OPTIONAL = ("prompt", "questions", "diagnostics", "hunks", "chat")
"""Parts that are only compared where the case has them."""
GIVEN = ("log", "settings", "editor", "script")
"""Parts that go into a case, beside the files. With `log` it was made of a session's log, and only what stands in it is
compared."""


@dataclass(frozen=True, slots=True)
class File:
    """One file at the start. `buffer` is its text in the editor, at `version`, None where it is not open; `disk` the
    bytes on disk, None for no file there. `link` is where a symbolic link leads. `cursor` are offsets in `buffer`."""

    name: str
    disk: bytes | None
    buffer: str | None = None
    version: int = 1
    link: str | None = None
    cursor: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A case. `expected` are the parts that must come out, by what stands in their header line."""

    title: str
    files: tuple[File, ...]
    script: tuple[Item, ...]
    settings: Json
    editor: Json
    expected: Mapping[str, str]
    given: str
    """Everything up to the first expected part, as it was written."""
    from_log: bool = False


@dataclass(slots=True)
class _Part:
    head: str
    line: int
    lines: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        return "".join(f"{it}\n" for it in self.lines)


def parsed(text: str) -> Case:
    """The case in a file's text. Raises CaseError, which names the line."""
    title, parts = _parts(text)
    files: dict[str, File] = {}
    settings: Json = {}
    editor: Json = {}
    script: tuple[Item, ...] | None = None
    from_log = False
    expected: dict[str, str] = {}
    given = f"{title}\n"
    for part in parts:
        name, marks = _header(part.head)
        if part.head in EXPECTED or "after" in marks or "gone" in marks:
            expected[part.head] = part.text
            continue
        if expected:
            raise CaseError(f"line {part.line}: '{part.head}' stands below an expected part; put it above")
        given += f"-- {part.head} --\n{part.text}"
        match part.head:
            case "log":
                from_log = True
            case "settings":
                settings = _object(part)
            case "editor":
                editor = _object(part)
            case "script":
                script = items([(part.line + n, line) for n, line in enumerate(part.lines, 1)])
            case _:
                files[name] = _file(name, marks, part, files.get(name))
    if script is None:
        raise CaseError("line 1: a case needs a part '-- script --'")
    return Case(title, tuple(files.values()), script, settings, editor, expected, given, from_log)


def written(case: Case, came: Mapping[str, str]) -> str:
    """The case with what came of it; optional parts only where the case asked for them."""
    return case.given + "".join(f"-- {head} --\n{text}" for head, text in wanted(case, came).items())


def wanted(case: Case, came: Mapping[str, str]) -> dict[str, str]:
    """Those parts of what came that this case compares, in order."""
    order = {name: n for n, name in enumerate(EXPECTED)}
    heads = sorted(came, key=lambda it: (order.get(it, 0), it not in EXPECTED, it))
    return {it: came[it] for it in heads if it in case.expected or (it not in OPTIONAL and not case.from_log)}


def file_part(name: str, text: str, marks: Sequence[str]) -> tuple[str, str]:
    """Header and text of a file's part, from which the same text can be read again."""
    marks = [*marks]
    ends = set(re.findall(r"\r\n?|\n", text))
    if ends == {"\r\n"}:
        marks.append("crlf")
        text = text.replace("\r\n", "\n")
    if text and not text.endswith("\n"):
        marks.append("unended")
        text += "\n"
    if not text.replace("\n", "").isprintable():
        marks.append("escaped")
        text = text.replace("\\", "\\\\")
        text = "".join(it if it == "\n" or it.isprintable() else escaped(it) for it in text)
    return f"{name} [{'] ['.join(marks)}]" if marks else name, text


def escaped(character: str) -> str:
    """A character as `[escaped]` parts write it."""
    return character.encode("unicode_escape").decode()


def _parts(text: str) -> tuple[str, list[_Part]]:
    title: list[str] = []
    parts: list[_Part] = []
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        if head := re.fullmatch(r"-- (.+) --", line):
            parts.append(_Part(head[1], number))
        elif parts:
            parts[-1].lines.append(line)
        else:
            title.append(line)
    if not title or not title[0].strip():
        raise CaseError("line 1: a case begins with a sentence that says what it shows")
    return "\n".join(title), parts


def _header(head: str) -> tuple[str, list[str]]:
    name, *marks = re.split(r" \[", head)
    return name, [it.removesuffix("]") for it in marks]


def _object(part: _Part) -> Json:
    try:
        return cast("Json", json.loads(part.text))
    except ValueError as error:
        raise CaseError(f"line {part.line}: '{part.head}' is no JSON object: {error}") from error


def _file(name: str, marks: list[str], part: _Part, before: File | None) -> File:
    """A file's part: `[open N]` a buffer that the disk never saw, `[saved N]` an open one that it did, `[disk]` what it
    holds below the buffer, no mark a file that is not open."""
    text, cursor = _cursor(_decoded(part.text, marks))
    if link := next((it for it in marks if it.startswith("-> ")), None):
        return File(name, None, link=link[3:])
    disk = text.encode("utf-8-sig" if "bom" in marks else "utf-8")
    opened = next((it.split() for it in marks if it.startswith(("open ", "saved "))), None)
    if opened is None and before is None:
        return File(name, disk)
    if opened is None:
        assert before is not None
        return File(name, disk, before.buffer, before.version, cursor=before.cursor)
    below = before.disk if before else disk if opened[0] == "saved" else b""
    return File(name, below, text, int(opened[1]), cursor=cursor)


def _decoded(text: str, marks: list[str]) -> str:
    if unknown := [it for it in marks if it.split()[0] not in _MARKS]:
        raise CaseError(f"a file's part has the mark [{unknown[0]}], which means nothing")
    if "escaped" in marks:
        text = re.sub(r"\\(?:x..|u....|U.{8}|.)", lambda it: it[0].encode().decode("unicode_escape"), text)
    if "unended" in marks:
        text = text.removesuffix("\n")
    return text.replace("\n", "\r\n") if "crlf" in marks else text


def _cursor(text: str) -> tuple[str, tuple[int, int] | None]:
    pieces = text.split("$0")
    if len(pieces) == 1:
        return text, None
    start = len(pieces[0])
    return "".join(pieces), (start, start + (len(pieces[1]) if len(pieces) == 3 else 0))


_MARKS = ("open", "saved", "disk", "closed", "crlf", "bom", "unended", "escaped", "->")
