"""A shell line as bash would read it: its commands with their words, and where it sends what it prints.

The grammar is tree-sitter's. What is trusted is a short list of its nodes; a line that holds anything else is read as
far as it goes, with the reason why that is not all of it. Nobody allows what was not read whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Final

from tree_sitter import Language, Node, Parser
from tree_sitter_bash import language

LONGEST: Final = 10_000
"""Characters; longer lines are not read."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word as the command gets it, quotes and backslashes taken out.

    `sure` is False where bash puts something else in its place, and `text` is then what can be read of it. `glob`: an
    unquoted pattern, for which names of files take its place.
    """

    text: str
    glob: bool = False
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """One simple command. `text` is how it is written; `assignments` stand before its first word."""

    words: tuple[Word, ...]
    assignments: tuple[tuple[str, Word], ...] = ()
    text: str = ""

    @property
    def program(self) -> str:
        """The last piece of the first word's path; "" where there is no word."""
        return self.words[0].text.rsplit("/", 1)[-1] if self.words else ""

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(it.text for it in self.words)


@dataclass(frozen=True, slots=True)
class Redirect:
    """A file that a command's input comes from or its output goes to."""

    target: Word
    writes: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line as far as it could be read. `unread` says why that is not all of it, "" for a line read whole.

    `parts` are all simple commands that stand anywhere in it, in their order, inside substitutions too.
    """

    parts: tuple[Part, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    unread: str = ""


@lru_cache(maxsize=256)
def read_line(line: str) -> Line:
    """Read a line. Never raises, whatever the line is."""
    refusal = _refused_unread(line)
    if len(line) > LONGEST:
        return Line(unread=refusal)
    source = line.encode("utf-8", "surrogatepass")
    walk = _Walk(source, unread=[refusal] if refusal else [])
    root = _parser().parse(source).root_node
    if root.has_error:
        walk.unread.append("bash's grammar does not fit it")
    walk.statement(root)
    return Line(tuple(walk.parts), tuple(walk.redirects), walk.unread[0] if walk.unread else "")


def _refused_unread(line: str) -> str:
    """Why a line is not trusted to be read at all: forms in which the grammar and bash are known to part."""
    if len(line) > LONGEST:
        return f"it has more than {LONGEST} characters"
    if _CONTROL.search(line):
        return "it holds a control character"
    if "\\\n" in line:
        return "a backslash stands at the end of a line"
    return "a line begins with a backslash" if _BACKSLASHED.search(line) else ""


@cache
def _parser() -> Parser:
    return Parser(Language(language()))


@dataclass(slots=True)
class _Walk:
    """The commands and redirects found so far, and what could not be read."""

    source: bytes
    parts: list[Part] = field(default_factory=list[Part])
    redirects: list[Redirect] = field(default_factory=list[Redirect])
    unread: list[str] = field(default_factory=list[str])

    def statement(self, node: Node) -> None:
        """A node that holds commands, or is one."""
        if node.type == "command":
            self._command(node)
        elif node.type == "redirected_statement":
            for child in node.children:
                (self._redirect if child.type == "file_redirect" else self.statement)(child)
        elif node.type in _HOLDERS:
            self._gaps(node, _BETWEEN_STATEMENTS)
            for child in node.children:
                self.statement(child)
        elif node.type == "variable_assignment":
            self.parts.append(Part((), (self._assignment(node),), self._text(node)))
        elif node.type not in _SEPARATORS and node.type != "comment":
            self._foreign(node)

    def _command(self, node: Node) -> None:
        self._gaps(node, _BETWEEN_WORDS)
        words: list[Word] = []
        assignments: list[tuple[str, Word]] = []
        place = len(self.parts)
        for child in node.children:
            if child.type == "variable_assignment" and not words:
                assignments.append(self._assignment(child))
            elif child.type == "command_name":
                words += [self._word(it) for it in child.children]
            elif child.type == "file_redirect":
                self._redirect(child)
            elif child.is_named and child.type in _WORDS:
                words.append(self._word(child))
            else:
                words.append(Word("", sure=False))
                self._foreign(child)
        # What stands inside a word comes after the command that it belongs to.
        self.parts.insert(place, Part(tuple(words), tuple(assignments), self._text(node)))

    def _assignment(self, node: Node) -> tuple[str, Word]:
        name = node.children[0]
        if name.type != "variable_name" or len(node.children) > 3 or self._text(node.children[1]) != "=":
            self._foreign(node)
            return (self._text(name), Word("", sure=False))
        value = self._word(node.children[2]) if len(node.children) > 2 else Word("")
        return (self._text(name), value)

    def _redirect(self, node: Node) -> None:
        operator = next((it.type for it in node.children if not it.is_named), "")
        given = [it for it in node.children if it.is_named and it.type != "file_descriptor"]
        if operator in _CLOSING and not given:
            return
        if operator not in _REDIRECTS or len(given) != 1:
            self._foreign(node)
            return
        target = self._word(given[0])
        if operator in (">&", "<&") and target.sure and target.text.isdigit():
            return
        self.redirects.append(Redirect(target, writes=operator != "<"))

    def _word(self, node: Node) -> Word:
        text = self._text(node)
        match node.type:
            case "word" | "number":
                return self._bare(text)
            case "raw_string":
                return Word(text[1:-1])
            case "string" if all(it.type in ('"', "string_content") for it in node.children):
                return Word(_IN_STRING.sub(r"\1", text[1:-1]))
            case "concatenation":
                self._gaps(node, _NOTHING)
                return self._joined([self._word(it) for it in node.children], text)
            case _:
                self._foreign(node)
                return Word(_readable(text), sure=False)

    def _bare(self, text: str) -> Word:
        """An unquoted word. Braces and a leading `~` or `=` are put in place by the shell, a pattern is by the files."""
        plain = _ESCAPED.sub("", text)
        if _EXPANDS.search(plain):
            self.unread.append(f"the shell puts something else in place of {text}")
            return Word(_ESCAPED.sub(r"\1", text), sure=False)
        return Word(_ESCAPED.sub(r"\1", text), glob=bool(_GLOB.search(plain)))

    def _joined(self, words: list[Word], text: str) -> Word:
        whole = Word("".join(it.text for it in words), any(it.glob for it in words), all(it.sure for it in words))
        if "{" in text and _BRACES.search(_QUOTED.sub("", text)):
            self.unread.append(f"the shell puts something else in place of {text}")
            return replace(whole, sure=False)
        return whole

    def _foreign(self, node: Node) -> None:
        """Something that is not trusted to be read; the commands in it are looked for all the same."""
        kind = _SAID.get(node.type, node.type.replace("_", " ")) if node.is_named else self._text(node)
        self.unread.append(f"it holds a {kind}" if node.is_named else f"it holds {kind}")
        for it in _commands_in(node):
            self._command(it)

    def _gaps(self, node: Node, allowed: re.Pattern[bytes]) -> None:
        """Everything between the children must be what separates them: else the grammar left something out."""
        ends = [node.start_byte, *(it.end_byte for it in node.children)]
        starts = [*(it.start_byte for it in node.children), node.end_byte]
        for end, start in zip(ends, starts, strict=True):
            if not allowed.fullmatch(self.source[end:start]):
                self.unread.append("bash's grammar does not fit it")

    def _text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "surrogatepass")


def _commands_in(node: Node) -> Iterator[Node]:
    for child in node.children:
        if child.type == "command":
            yield child
        else:
            yield from _commands_in(child)


def _readable(text: str) -> str:
    """What a word says that is put together by the shell: enough to recognise a name in it."""
    return re.sub(r"[\"'\\]", "", text)


_SAID: Final = {
    "string": "text that the shell changes",
    "simple_expansion": "variable",
    "expansion": "variable",
    "ansi_c_string": "quoted text with codes in it",
    "heredoc_redirect": "text for its input",
    "herestring_redirect": "text for its input",
}
_HOLDERS: Final = frozenset({"program", "list", "pipeline", "negated_command"})
_SEPARATORS: Final = frozenset({"&&", "||", ";", "|", "|&", "&", "\n", "!"})
_WORDS: Final = frozenset({"word", "number", "string", "raw_string", "concatenation"})
_REDIRECTS: Final = frozenset({">", ">>", ">|", "&>", "&>>", "<", ">&", "<&", "<>"})
_CLOSING: Final = frozenset({">&-", "<&-"})
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_BACKSLASHED: Final = re.compile(r"^[ \t]*\\", re.MULTILINE)
_BETWEEN_STATEMENTS: Final = re.compile(rb"[ \t\n]*")
_BETWEEN_WORDS: Final = re.compile(rb"[ \t]*")
_NOTHING: Final = re.compile(rb"")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_IN_STRING: Final = re.compile(r'\\([$`"\\])')
_GLOB: Final = re.compile(r"[*?\[]")
_EXPANDS: Final = re.compile(r"^[~=]|[:=]~|[$`]|^[^{]*\{[^{}]*[,.]|!|[?*+@!]\(")
_BRACES: Final = re.compile(r"\{.*(,|\.\.)", re.DOTALL)
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|\\.")
