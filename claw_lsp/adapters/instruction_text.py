"""The text of an instruction file: comments left out, imports found; what stands in code is neither."""

from __future__ import annotations

import re
from collections.abc import Iterator

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
_SPAN_OR_COMMENT = re.compile(f"{_SPAN.pattern}|{_COMMENT.pattern}", re.DOTALL)
_IMPORT = re.compile(r"(?:^|(?<=\s))@((?:\\ |[^\s`@<>\"'])+)", re.MULTILINE)


def without_comments(text: str) -> str:
    """The text without HTML comments; those in code stay."""
    parts: list[str] = []
    for prose, code in _pieces(text):
        parts += (_SPAN_OR_COMMENT.sub(lambda it: "" if it.group().startswith("<!--") else it.group(), prose), code)
    return "".join(parts)


def imports(text: str) -> Iterator[str]:
    """The paths after an @ that are not in code."""
    for prose, _ in _pieces(text):
        for match in _IMPORT.finditer(_SPAN.sub("` `", prose)):
            name = match.group(1).replace("\\ ", " ").rstrip(".,;:!?)")
            if name:
                yield name


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Prose and the fenced code after it, in turns; joined they are the text. A fence in a comment is no fence."""
    prose: list[str] = []
    code: list[str] = []
    fence = ""
    commented = False
    for line in text.splitlines(keepends=True):
        match = None if commented else _FENCE.match(line)
        if fence:
            code.append(line)
            if match and match.group(1).startswith(fence) and not line.strip().strip(fence[0]):
                yield "".join(prose), "".join(code)
                prose, code, fence = [], [], ""
        elif match:
            fence = match.group(1)
            code.append(line)
        else:
            prose.append(line)
            for mark in re.findall("<!--|-->", _SPAN.sub("", line)):
                commented = mark == "<!--"
    yield "".join(prose), "".join(code)
