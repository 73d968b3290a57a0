"""The model's Markdown made harmless before it is shown: nothing in it loads by itself, hides, or poses as ours.

A piece comes out as soon as nothing that may follow can change how it must be written, so that cutting a text into
pieces anywhere gives the same result. Code in fences stays as it is.
"""

from __future__ import annotations

import re

from claw_lsp.core.escape import visible

MOST = 2000
"""Characters looked at from the beginning of an image or a tag; what is still undecided then is escaped."""


class Scrub:
    """One reply's text on its way into the document.

    Invariant: what `feed` has answered so far is final, and `_held` is all that it has not answered.
    """

    def __init__(self) -> None:
        self._held = ""
        self._at_line_start = True
        self._fence = ""
        self._in_html = False
        self._last = ""

    def feed(self, piece: str) -> str:
        """What can be shown now."""
        return self._shown(self._scan(self._held + piece, ended=False))

    def finish(self) -> str:
        """The rest; a code fence that was left open is closed, and the next reply begins afresh."""
        out = self._scan(self._held, ended=True)
        if self._fence:
            out += ("" if self._at_line_start else "\n") + self._fence
        out = self._shown(out)
        self.__init__()
        return out

    def _shown(self, text: str) -> str:
        """Every hidden character written out, but for the one that gives an emoji its colours."""
        text = visible(self._last + text)
        shown = _SHAPE.sub("\ufe0f", text)[len(self._last) :]
        if shown:
            self._last = shown[-1] if _PICTURE.match(shown[-1]) else ""
        return shown

    def _scan(self, text: str, *, ended: bool) -> str:
        carry = "\r" if text.endswith("\r") and not ended else ""
        text = _LINE_END.sub("\n", text[: len(text) - len(carry)])
        out: list[str] = []
        at = 0
        while at < len(text):
            if self._at_line_start:
                line_end = text.find("\n", at)
                whole = ended or line_end >= 0
                line = text[at : line_end if line_end >= 0 else len(text)]
                if not whole and _MAY_BE_FENCE.match(line):
                    break
                self._open_line(line)
            done, written, waits = self._inline(text, at, ended)
            out.append(written)
            if done > at:
                self._at_line_start = text[done - 1] == "\n"
                at = done
            if waits:
                break
        self._held = text[at:] + carry
        return "".join(out)

    def _open_line(self, line: str) -> None:
        """Note what a line means for those after it: a fence, raw HTML, a paragraph's end."""
        if self._fence:
            found = _CLOSES.fullmatch(line)
            if found and found[1].startswith(self._fence):
                self._fence = ""
            return
        found = _OPENS.match(line)
        # Inside raw HTML three backticks open nothing, so there they do not switch the escaping off.
        if found and not self._in_html and not (found[1][0] == "`" and "`" in line[found.end(1) :]):
            self._fence = found[1]
        elif not line.strip():
            self._in_html = False
        elif line.lstrip().startswith("<"):
            self._in_html = True

    def _inline(self, text: str, at: int, ended: bool) -> tuple[int, str, bool]:
        """Up to the end of the line or the first thing undecided: where that is, what to write, whether to wait."""
        line_end = text.find("\n", at) + 1 or len(text)
        out: list[str] = []
        start = at
        while start < line_end:
            first = self._at_line_start and start == at
            found = (_IN_CODE if self._fence else _FIRST if first else _POINT).search(text, start, line_end)
            # Behind a line end nothing is undecided yet: the next line is looked at by itself.
            if found is None or found.start() == line_end:
                out.append(text[start:line_end])
                return line_end, "".join(out), False
            out.append(text[start : found.start()])
            alone = first and not text[start : found.start()].strip()
            written = _decide(text, found, in_code=bool(self._fence), line_start=alone, ended=ended)
            if written is None:
                return found.start(), "".join(out), True
            out.append(written)
            start = found.end()
        return line_end, "".join(out), False


def scrubbed(text: str) -> str:
    """A whole text made harmless."""
    scrub = Scrub()
    return scrub.feed(text) + scrub.finish()


def _decide(text: str, found: re.Match[str], *, in_code: bool, line_start: bool, ended: bool) -> str | None:
    """How a point is written; None when what follows must be known first."""
    point = found[0]
    at = found.start()
    if point.startswith("<"):
        if in_code:
            return _marker(text, at, ended)
        return _tag(text, at, line_start=line_start, ended=ended)
    if point == "![":
        return _image(text, at, ended)
    if point.endswith("["):
        return _definition(text, found, ended)
    return point if ended else None


def _marker(text: str, at: int, ended: bool) -> str | None:
    """In code everything stays, but what would pass for one of our markers."""
    if text.startswith(_MARKER, at):
        return "<\\"
    return None if not ended and _MARKER.startswith(text[at : at + len(_MARKER)]) else "<"


def _tag(text: str, at: int, *, line_start: bool, ended: bool) -> str | None:
    """A tag that loads something, or that begins a stretch in which Markdown means nothing, is shown as text."""
    head = _TAG.match(text, at)
    if head is None:
        return "<" if ended or len(text) > at + 1 else None
    if head.end() == len(text) and not ended:
        return None
    name = head[1].lower()
    if name[0] in "!?" or name in _ALWAYS or (line_start and name in _RAW):
        return "&lt;"
    if text[head.end() : head.end() + 1] not in _GOES_ON:
        return "<"
    span, over = _paragraph(text[head.end() : head.end() + MOST])
    inside, closed = _attributes(span)
    if _LOADS.search(inside):
        return "&lt;"
    if closed or over or ended:
        return "<"
    return "&lt;" if len(span) >= MOST else None


def _attributes(text: str) -> tuple[str, bool]:
    """What stands in a tag after its name, and whether the tag ends; an end inside quotes is none."""
    quote = ""
    for at, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == ">":
            return text[:at], True
    return text, False


def _image(text: str, at: int, ended: bool) -> str | None:
    """An image is escaped unless it is plainly a file of this machine's."""
    span, over = _paragraph(text[at + 2 : at + 2 + MOST])
    over = over or ended
    close = _closing_bracket(span)
    if _UNSURE.search(span, 0, len(span) if close is None else close):
        # Brackets inside code, tags or after a backslash do not count for Markdown: any destination may be meant.
        return "!\\[" if "](" in span or (len(span) >= MOST and not over) else "![" if over else None
    if close is None:
        return "![" if over else "!\\[" if len(span) >= MOST else None
    after = span[close + 1 :]
    if _LOCAL.match(after) or (after and after[0] != "("):
        return "!["
    if not after:
        return "![" if over else None
    return "!\\[" if over or len(span) >= MOST or _DECIDED.match(after) else None


def _paragraph(text: str) -> tuple[str, bool]:
    """The text up to a blank line, and whether there is one."""
    end = _PARAGRAPH_END.search(text)
    return (text[: end.start() + 1], True) if end else (text, False)


def _closing_bracket(span: str) -> int | None:
    depth = 1
    for found in _BRACKET.finditer(span):
        depth += 1 if found[0] == "[" else -1
        if depth == 0:
            return found.start()
    return None


def _definition(text: str, found: re.Match[str], ended: bool) -> str | None:
    """`[label]: address` at a line's beginning shows nothing and serves images elsewhere: it becomes text."""
    label = _LABEL.match(text, found.end())
    if label is None or len(label[0]) >= MOST:
        return found[0]
    rest = text[label.end() : label.end() + 2]
    if rest.startswith("]:"):
        return f"{found[0][:-1]}\\["
    return None if rest in ("", "]", "\\") and not ended else found[0]


_LINE_END = re.compile(r"\r\n?")
_MARKER = "<!-- claw:"
_OPENS = re.compile(r"(`{3,}|~{3,})")
_CLOSES = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*")
_MAY_BE_FENCE = re.compile(r" {0,3}(?:`{1,2}\Z|~{1,2}\Z|`{3}|~{3})|[ \t]*\Z")
_IN_CODE = re.compile(r"<")
_POINT = re.compile(r"<|!\[|!\Z")
_BULLETS = r"^(?:[ \t]*(?:[-+*>]|\d{1,9}[.)]))*[ \t]*"
_FIRST = re.compile(rf"<|!\[|!\Z|{_BULLETS}\[|{_BULLETS}\d{{0,9}}\Z", re.MULTILINE)
_TAG = re.compile(r"<([A-Za-z][\w-]*|[!?])")
_ALWAYS = frozenset({"script", "style", "svg", "iframe", "frame", "object", "embed", "image", "link", "meta", "base"})
_RAW = frozenset({"pre", "textarea", "script", "style"})
_GOES_ON = tuple(" \t\n/\f")
_LOADS = re.compile(r"(?:^|[\s/\"'])(?:src|srcset|data|poster|background|style)\s*=", re.I)
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n")
_BRACKET = re.compile(r"[\[\]]")
_UNSURE = re.compile(r"[`<\\]")
_LOCAL = re.compile(r"\([ \n]*+<?(?:/|[\w.~%+,@#?=-])(?:[\w.~%+,@#?=-][\w./~%+,@#?=-]*)?>?[)\s]")
_DECIDED = re.compile(r"\([ \n]*+<?(?:[^\s)]*[^\w./~%+,@#?=<>\s-]|//|[^\s)]*[)\s])")
_LABEL = re.compile(r"(?:[^\[\]\\\n]|\\.|\n(?![ \t]*\n))*")
_EMOJI = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
_PICTURE = re.compile(f"[{_EMOJI}]")
_SHAPE = re.compile(f"(?<=[{_EMOJI}])‹U\\+FE0F›")
