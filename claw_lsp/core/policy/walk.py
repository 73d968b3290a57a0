"""The walk over what the grammar made of a line: which nodes are trusted, and what each of them means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from tree_sitter import Node

from claw_lsp.core.policy.heredocs import fits
from claw_lsp.core.policy.words import PIPE, START, Folders, Part, Redirect, Word, either, harmless, moved, put_together


@dataclass(slots=True)
class Walk:
    """The commands and redirects found so far, and what could not be read.

    `once`: variables that the line assigns in one place only; `known`: what they are from there on. `folders`: where the
    shell may stand.
    """

    source: bytes
    once: frozenset[str] = frozenset()
    parts: list[Part] = field(default_factory=list[Part])
    redirects: list[Redirect] = field(default_factory=list[Redirect])
    inputs: list[str] = field(default_factory=list[str])
    unread: list[str] = field(default_factory=list[str])
    known: dict[str, Word] = field(default_factory=dict[str, Word])
    folders: Folders = START

    # ---- statements ----

    def statement(self, node: Node) -> None:
        """A node that holds commands, or is one."""
        match node.type:
            case "command":
                self._command(node)
            case "redirected_statement":
                self._redirected(node)
            case "list":
                before = self.folders
                self._chain(node, before)
                self.folders = either(before, self.folders)
            case "subshell":
                before = self.folders
                self._held(node)
                self.folders = before
            case "for_statement":
                self._for(node)
            case "while_statement":
                self._looped(node)
            case "case_statement" | "case_item":
                self._case(node)
            case "test_command":
                self._test(node)
            case "variable_assignment" | "variable_assignments":
                self._assignments(node)
            case kind if kind in _HOLDERS:
                self._held(node)
            case "comment":
                if self.source[: node.start_byte][-1:] not in _BEFORE_COMMENTS:
                    self.unread.append("a # stands inside a word")
            case kind if kind not in _SEPARATORS:
                self._foreign(node)
            case _:
                pass

    def _held(self, node: Node) -> None:
        """Statements one after the other: each may fail, and leave the shell where it stood."""
        self._gaps(node, _BETWEEN_STATEMENTS)
        for one, other in pairwise(node.children):
            apart = b"\n" in self.source[one.end_byte : other.start_byte] or not (one.is_named and other.is_named)
            if not apart and other.type not in _CLAUSES:
                self.unread.append("bash's grammar does not fit it")
        for child in node.children:
            before = self.folders
            self.statement(child)
            self.folders = either(before, self.folders)

    def _chain(self, node: Node, before: Folders) -> Folders:
        """Commands joined by `&&` and `||`: behind `cd a &&` the shell stands in `a`. Says where the last one begins."""
        links: list[Node] = []
        while node.type == "list":
            self._gaps(node, _BETWEEN_STATEMENTS)
            links += reversed(node.children[1:])
            node = node.children[0]
        begins = before
        for child in (node, *reversed(links)):
            if child.type == "||":
                self.folders = either(before, self.folders)
            elif child.type not in _SEPARATORS:
                begins = self.folders
                self.statement(child)
        return begins

    def _redirected(self, node: Node) -> None:
        """A command and its redirections. The grammar hangs those of the last command of a list on the whole list."""
        self._gaps(node, _BETWEEN_REDIRECTS)
        begins = before = self.folders
        place = len(self.parts)
        for child in node.children:
            match child.type:
                case "list":
                    begins = self._chain(child, before)
                case "file_redirect":
                    self._redirect(child, begins)
                case "heredoc_redirect":
                    if child.prev_sibling and child.prev_sibling.type == "command":
                        self._reads_dash(child.prev_sibling, child, place)
                    self._heredoc(child, begins)
                case "herestring_redirect":
                    self._herestring(child)
                case _:
                    self.statement(child)
        self.folders = either(before, self.folders)

    def _reads_dash(self, command: Node, heredoc: Node, place: int) -> None:
        """tree-sitter-bash 0.25.1 leaves out the `-` of `python - <<E`."""
        if self.source[command.end_byte : heredoc.start_byte].strip(b" \t") == b"-":
            part = self.parts[place]
            self.parts[place] = replace(part, words=(*part.words, Word("-")), text=f"{part.text} -")

    def _looped(self, node: Node) -> None:
        """A loop that moves begins again elsewhere."""
        n_parts, n_redirects, before = len(self.parts), len(self.redirects), self.folders
        self._held(node)
        if self.folders != before:
            self.folders = (None,)
            self.parts[n_parts:] = [replace(it, folders=self.folders) for it in self.parts[n_parts:]]
            self.redirects[n_redirects:] = [replace(it, folders=self.folders) for it in self.redirects[n_redirects:]]

    def _for(self, node: Node) -> None:
        """The body once for each word, where all are known; else once, for a variable that is not."""
        self._gaps(node, _BETWEEN_STATEMENTS)
        name, body, values = "", None, list[Word]()
        for child in node.children:
            if child.type == "variable_name":
                name = self._text(child)
            elif child.type == "do_group":
                body = child
            elif child.type in _KEYWORDS:
                if child.type == "select":
                    self._foreign(child)
            else:
                values.append(self._word(child, splits=False))
        if body is None or not harmless(name):
            self._foreign(node)
            return
        self.parts.append(Part((), ((name, Word("", sure=False)),), f"for {name}", self.folders))
        all_known = name in self.once and 0 < len(values) <= _MOST_ROUNDS and all(it.sure for it in values)
        for value in values if all_known else [None]:
            if value is not None:
                self.known[name] = value
            self._looped(body)
            if len(self.parts) > _MOST_PARTS:
                self.unread.append("it holds too many commands")
                break
        self.known.pop(name, None)

    def _case(self, node: Node) -> None:
        """What is compared with what, and the commands behind each `)`."""
        self._gaps(node, _BETWEEN_STATEMENTS)
        compares = True
        for child in node.children:
            if child.type in ("in", ")"):
                compares = False
            elif child.type == "case_item":
                before = self.folders
                self._case(child)
                self.folders = either(before, self.folders)
            elif child.type in _KEYWORDS:
                continue
            elif compares and child.type == "extglob_pattern":
                if _EXPANDED.search(self._text(child)):
                    self._foreign(child)
            elif compares:
                self._word(child, splits=False)
            else:
                before = self.folders
                self.statement(child)
                self.folders = either(before, self.folders)

    def _test(self, node: Node) -> None:
        """`[ … ]` and `[[ … ]]` as a command with its words."""
        place, double = len(self.parts), node.children[0].type == "[["
        words = list(self._tested(node, double=double))
        self.parts.insert(place, Part(tuple(words), (), self._text(node), self.folders))

    def _tested(self, node: Node, *, double: bool) -> Iterator[Word]:
        self._gaps(node, _BETWEEN_STATEMENTS if double else _BETWEEN_WORDS)
        if any(one.end_byte == other.start_byte for one, other in pairwise(node.children)):
            self.unread.append("words of its test stand together")
        for child in node.children:
            if child.type in ("unary_expression", "binary_expression", "negation_expression"):
                yield from self._tested(child, double=double)
            elif child.type in _WORDS or child.type in ("simple_expansion", "expansion", "command_substitution"):
                yield self._word(child, splits=not double)
            elif child.type in ("test_operator", "[", "]", "[[", "]]", "=", "==", "!=", "!") or (
                double and child.type in ("&&", "||")
            ):
                yield Word(self._text(child))
            else:
                # In `[ a > b ]` bash sees a redirection where the grammar sees a comparison.
                self._foreign(child)

    def _assignments(self, node: Node) -> None:
        several = node.type == "variable_assignments"
        if several:
            self._gaps(node, _BETWEEN_WORDS)
        place = len(self.parts)
        found = tuple(self._assignment(it) for it in (node.children if several else [node]))
        self.parts.insert(place, Part((), found, self._text(node), self.folders))
        if _stands_first(node):
            self.known |= {name: value for name, value in found if name in self.once and value.sure and not value.glob}

    def _command(self, node: Node) -> None:
        self._gaps(node, _BETWEEN_WORDS)
        words: list[Word] = []
        assignments: list[tuple[str, Word]] = []
        place = len(self.parts)
        for child in node.children:
            if child.type == "variable_assignment" and not words:
                assignments.append(self._assignment(child))
            elif child.type == "command_name":
                if self._text(child) in _RESERVED:
                    self.unread.append("bash's grammar does not fit it")
                words += [self._word(it) for it in child.children]
            elif child.type == "file_redirect":
                self._redirect(child, self.folders)
            elif child.type == "herestring_redirect":
                self._herestring(child)
            elif child.is_named and child.type in _WORDS | _PUT_IN:
                words.append(self._word(child))
            else:
                words.append(Word("", sure=False, single=False))
                self._foreign(child)
        # What stands inside a word comes after the command that it belongs to.
        part = Part(tuple(words), tuple(assignments), self._text(node), self.folders)
        self.parts.insert(place, part)
        self.folders = moved(part)

    def _assignment(self, node: Node) -> tuple[str, Word]:
        name = node.children[0] if node.children else node
        if name.type != "variable_name" or len(node.children) > 3 or self._text(node.children[1]) != "=":
            self._foreign(node)
            return (self._text(name), Word("", sure=False))
        value = self._word(node.children[2], splits=False) if len(node.children) > 2 else Word("")
        return (self._text(name), value)

    # ---- redirections ----

    def _redirect(self, node: Node, folders: Folders) -> None:
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
        self.redirects.append(Redirect(target, operator != "<", folders))

    def _heredoc(self, node: Node, begins: Folders) -> None:
        """Text for a command's input. Unquoted, its substitutions are run; what follows on the line goes on behind it."""
        quoted = fits(node, self.source)
        if quoted is None:
            self.unread.append("the end of the text for its input cannot be told")
        for child in node.children:
            match child.type:
                case "<<" | "<<-" | "heredoc_start" | "heredoc_end":
                    pass
                case "heredoc_body":
                    self.inputs.append(self._text(child))
                    if not quoted:
                        self._expanded(child, child.start_byte, child.end_byte)
                case "file_redirect":
                    self._redirect(child, either(begins, self.folders))
                case _:
                    self.statement(child)

    def _herestring(self, node: Node) -> None:
        self._gaps(node, _BETWEEN_WORDS)
        if len(node.children) != 2:
            self._foreign(node)
            return
        self.inputs.append(self._word(node.children[1], splits=False).text)

    # ---- words ----

    def _word(self, node: Node, *, splits: bool = True) -> Word:
        """A word; `splits` where what is put into it unquoted would become several."""
        text = self._text(node)
        match node.type:
            case "word" | "number":
                return self._bare(text)
            case "raw_string":
                return Word(text[1:-1])
            case "string":
                return self._expanded(node, node.start_byte + 1, node.end_byte - 1)
            case "concatenation":
                self._gaps(node, _NOTHING)
                return self._joined([self._word(it, splits=splits) for it in node.children], text)
            case "process_substitution":
                self._substituted(node)
                return Word(PIPE)
            case kind if kind in _PUT_IN:
                word = self._put_in(node)
                if not splits or text in _NUMBERS or (word.sure and not word.glob and _STAYS_ONE.fullmatch(word.text)):
                    return word
                self._untold(node)
                return Word(_readable(text), sure=False, single=False)
            case _:
                self._foreign(node)
                return Word(_readable(text), sure=False, single=False)

    def _expanded(self, node: Node, start: int, end: int) -> Word:
        """Text in double quotes, or of a heredoc, with what is put into it."""
        pieces: list[Word] = []
        for child in node.children:
            if child.type in _PUT_IN:
                # The grammar counts blanks before it as part of a variable.
                begin = (
                    child.start_byte
                    + len(self.source[child.start_byte : child.end_byte])
                    - len(self.source[child.start_byte : child.end_byte].lstrip(b" \t\n"))
                )
                pieces += [self._literal(start, begin, before_more=True), self._put_in(child)]
                start = child.end_byte
            elif child.type not in _IN_QUOTES:
                self._foreign(child)
        return put_together([*pieces, self._literal(start, end, before_more=False)])

    def _literal(self, start: int, end: int, *, before_more: bool) -> Word:
        text = decoded(self.source[start:end])
        bare = _PAIR.sub("", text)
        if _EXPANDED.search(bare) or (before_more and bare.endswith(("$", "\\"))):
            self.unread.append("bash's grammar does not fit it")
        return Word(_IN_STRING.sub(r"\1", text))

    def _put_in(self, node: Node) -> Word:
        """What a variable or a substitution becomes, as one word."""
        named = [it for it in node.children if it.is_named]
        text = self._text(node).strip()
        if node.type == "command_substitution":
            self._substituted(node)
            return Word(_readable(text), sure=False)
        if [it.type for it in named] == ["variable_name"] and re.fullmatch(r"\$(\w+|\{\w+\})", text):
            name = self._text(named[0])
            return self.known.get(name, Word(_readable(text), sure=False))
        if text in _NUMBERS:
            return Word(text, sure=False, lead="0")
        self._foreign(node)
        return Word(_readable(text), sure=False, single=False)

    def _substituted(self, node: Node) -> None:
        """The commands in `$( )`, backticks and `<( )`: they run in a shell of their own."""
        before = self.folders
        if node.children[0].type == "`" and "\\" in self._text(node):
            self.unread.append("a backslash stands between backticks")
        self._gaps(node, _BETWEEN_STATEMENTS)
        for child in node.children[1:-1]:
            between = self.folders
            if child.type == "file_redirect":
                self._redirect(child, self.folders)
            else:
                self.statement(child)
            self.folders = either(between, self.folders)
        self.folders = before

    def _bare(self, text: str) -> Word:
        """An unquoted word. Braces and a leading `~` or `=` are put in place by the shell, a pattern is by the files."""
        plain = _ESCAPED.sub("", text)
        if _ENDS_A_WORD.search(plain):
            self.unread.append("bash's grammar does not fit it")
        if _EXPANDS.search(plain):
            self.unread.append(f"the shell puts something else in place of {text}")
            return Word(_ESCAPED.sub(r"\1", text), sure=False, single=False)
        return Word(_ESCAPED.sub(r"\1", text), glob=bool(_GLOB.search(plain)))

    def _joined(self, words: list[Word], text: str) -> Word:
        whole = put_together(words)
        if "{" in text and _BRACES.search(_QUOTED.sub("", text)):
            self.unread.append(f"the shell puts something else in place of {text}")
            return replace(whole, sure=False, single=False)
        return whole

    # ---- what is not read ----

    def _foreign(self, node: Node) -> None:
        """Something that is not trusted to be read; the commands in it are looked for all the same."""
        self._untold(node)
        for it in _commands_in(node):
            self._command(it)

    def _untold(self, node: Node) -> None:
        kind = _SAID.get(node.type, node.type.replace("_", " ")) if node.is_named else self._text(node)
        self.unread.append(f"it holds a {kind}" if node.is_named else f"it holds {kind}")

    def _gaps(self, node: Node, allowed: re.Pattern[bytes]) -> None:
        """Everything between the children must be what separates them: else the grammar left something out."""
        ends = [node.start_byte, *(it.end_byte for it in node.children)]
        starts = [*(it.start_byte for it in node.children), node.end_byte]
        for end, start in zip(ends, starts, strict=True):
            if not allowed.fullmatch(self.source[end:start]):
                self.unread.append("bash's grammar does not fit it")

    def _text(self, node: Node) -> str:
        return decoded(self.source[node.start_byte : node.end_byte])


def _stands_first(node: Node) -> bool:
    """Whether what a line begins a statement with is always run, and by the shell itself."""
    top = node
    while top.parent and top.parent.type == "list" and top.parent.children[0] == top:
        top = top.parent
    behind = top.next_sibling
    return bool(top.parent and top.parent.type == "program") and (behind is None or behind.type != "&")


def decoded(source: bytes) -> str:
    """Where the grammar does not fit, it may cut a character."""
    return source.decode("utf-8", "replace")


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
_HOLDERS: Final = frozenset(
    """program pipeline negated_command compound_statement if_statement elif_clause else_clause do_group""".split()
)
_CLAUSES: Final = frozenset({"elif_clause", "else_clause", "do_group", "comment"})
"""What may follow a statement without a separator of its own."""
_KEYWORDS: Final = frozenset("if then elif else fi while until do done for select in case esac".split()) | frozenset(
    ("{", "}", "(", ")", ";", ";;", ";&", ";;&", "|", "\n")
)
_ENDS_A_WORD: Final = re.compile(r"[ \t\n;&|<>()]")
_RESERVED: Final = frozenset(
    "{ } ! if then elif else fi while until do done for select case esac function [[ ]] in".split()
)
"""Words that name no command where bash expects one."""
_BEFORE_COMMENTS: Final = (b"", *(bytes([it]) for it in b" \t\n;&|()"))
_SEPARATORS: Final = frozenset({"&&", "||", "|&", "&", "!"}) | (_KEYWORDS - {"select"})
_WORDS: Final = frozenset({"word", "number", "string", "raw_string", "concatenation", "process_substitution"})
_PUT_IN: Final = frozenset({"simple_expansion", "expansion", "command_substitution"})
_IN_QUOTES: Final = frozenset({'"', "string_content", "heredoc_content", "$"})
_NUMBERS: Final = frozenset({"$?", "$#", "$$", "$!"})
_MOST_ROUNDS: Final = 12
_MOST_PARTS: Final = 300
_REDIRECTS: Final = frozenset({">", ">>", ">|", "&>", "&>>", "<", ">&", "<&", "<>"})
_CLOSING: Final = frozenset({">&-", "<&-"})
_BETWEEN_STATEMENTS: Final = re.compile(rb"[ \t\n]*")
_BETWEEN_WORDS: Final = re.compile(rb"[ \t]*")
_BETWEEN_REDIRECTS: Final = re.compile(rb"[ \t]*(-[ \t]+)?")
_NOTHING: Final = re.compile(rb"")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_IN_STRING: Final = re.compile(r'\\([$`"\\])')
_GLOB: Final = re.compile(r"[*?\[]")
_EXPANDS: Final = re.compile(r"^[~=]|[:=]~|[$`]|^[^{]*\{[^{}]*[,.]|!|[?*+@!]\(")
_BRACES: Final = re.compile(r"\{.*(,|\.\.)", re.DOTALL)
_STAYS_ONE: Final = re.compile(r"[\w./:@%+,][\w./:@%+,=-]*")
_EXPANDED: Final = re.compile(r"`|\$[\w({\[?#!@*$-]")
_PAIR: Final = re.compile(r"\\[$`\"\\]")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|\\.")
