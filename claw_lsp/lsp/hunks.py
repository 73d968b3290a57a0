"""Hunks and proposals as editors show them: diagnostics, code actions, lenses and hover, all from memory."""

from __future__ import annotations

from typing import Any

from claw_lsp.core.book import Book, prompt_line
from claw_lsp.core.position import LineIndex
from claw_lsp.core.render import dollars
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.actions import QUICKFIX, Action, command
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.from_lsp import Position
from claw_lsp.lsp.questions import flat, plain
from claw_lsp.lsp.review import Review, Shown
from claw_lsp.lsp.uris import uri_of

INFORMATION = 3
"""LSP's DiagnosticSeverity.Information."""
LONGEST_HOVER = 1500
"""Characters of what was there before, and of the model's words, in a hover."""

MOST_NEWCOMERS = 3
"""Prompts whose new files are offered in every document."""

Json = dict[str, Any]


class Hunks:
    """What is shown of a review."""

    def __init__(self, review: Review, buffers: Buffers) -> None:
        self._review = review
        self._buffers = buffers

    def uri(self, path: str) -> str:
        """The URI as the client writes it, where it has the document open."""
        buffer = self._buffers.get(path)
        return buffer.uri if buffer else uri_of(path)

    def range(self, it: Shown) -> Json:
        return to_lsp.text_range(self._index(it), *it.place, self._buffers.encoding)

    def listed(self, it: Shown) -> Json:
        """A hunk as `claw.hunks` lists it."""
        before, after = it.texts
        listed = {
            "hunk": it.hunk.id,
            "uri": self.uri(it.hunk.path),
            "range": self.range(it),
            "before": before,
            "after": after,
            "prompt_id": it.hunk.maker.prompt_id,
            "session": it.session,
            "state": it.state,
        }
        return listed | ({"conflict": it.conflict} if it.proposed else {})

    def all_listed(self) -> dict[str, list[Json]]:
        """Every document's hunks as `claw.hunks` lists them, by URI."""
        return {self.uri(path): [self.listed(it) for it in self._review.at(path)] for path in self._review.paths()}

    def diagnostics(self) -> dict[str, list[Json]]:
        """By URI."""
        return {self.uri(path): [self.diagnostic(it) for it in self._review.at(path)] for path in self._review.paths()}

    def diagnostic(self, it: Shown) -> Json:
        prompt = self._prompt(it, 120)
        since = ", and it was changed since" if it.conflict else ""
        return {
            "range": self.range(it),
            "severity": INFORMATION,
            "source": "claw",
            "code": it.hunk.id,
            "message": f"Claw {_what(it)}{since}: {prompt}\n{_WAYS[it.proposed, it.conflict]}",
            "data": {"hunk": it.hunk.id, "prompt_id": it.hunk.maker.prompt_id, "state": it.state},
        }

    def lenses(self, path: str) -> list[Json]:
        """Keep and Revert above each hunk, Apply and Dismiss above each proposal."""
        return [
            {"range": self.range(it), "command": command(name, title, hunk=it.hunk.id)}
            for it in self._review.at(path)
            for name, title in _ANSWERS[it.proposed]
        ]

    def actions(self, path: str, first: Position, last: Position) -> list[Action]:
        """What can be done about the hunks on these lines."""
        here = self._on(path, first[0], last[0])
        actions = [action for it in here for action in self._about(it, several=len(here) > 1)]
        for proposed in sorted({it.proposed for it in here}):
            answers = _ANSWERS[proposed]
            actions += [_action(f"Claw: {title} all in file", name, uri=self.uri(path)) for name, title in answers]
            for prompt in dict.fromkeys(it.hunk.maker.prompt_id for it in here if it.proposed is proposed):
                actions += [
                    _action(f"Claw: {title} all of this prompt", name, prompt_id=prompt) for name, title in answers
                ]
        return actions

    def newcomers(self, path: str) -> list[Action]:
        """What can be done, in any document, about proposals of files that are not there yet: nothing else leads to them."""
        found: dict[str, Shown] = {}
        for elsewhere, shown in self._review.shown().items():
            if elsewhere != path and self._buffers.get(elsewhere) is None:
                found |= {it.hunk.maker.prompt_id: it for it in shown if it.hunk.kind == "created"}
        newest = sorted(found.values(), key=lambda it: it.hunk.maker.at, reverse=True)[:MOST_NEWCOMERS]
        return [
            _action(f"Claw: {title}: {self._prompt(it, 60)}", name, prompt_id=it.hunk.maker.prompt_id)
            for it in newest
            for name, title in (("claw.apply", "Apply all"), ("claw.dismiss", "Dismiss all"), _SHOW)
        ]

    def hover(self, path: str, at: Position) -> Json | None:
        """Which prompt wrote this line, why, and what it cost; None where none did."""
        found = self._on(path, at[0], at[0])
        if not found:
            return None
        told = [self._told(it, self._review.book(it.session)) for it in found[:3]]
        return {"contents": {"kind": "markdown", "value": "\n\n---\n\n".join(told)}, "range": self.range(found[0])}

    def _prompt(self, it: Shown, most: int) -> str:
        return flat(prompt_line(self._review.book(it.session), it.hunk), most)

    def _about(self, it: Shown, *, several: bool) -> list[Action]:
        before, after = it.texts
        which = f": {flat((after or before).strip(), 40)}" if several else ""
        id_ = it.hunk.id
        answers = [_action(f"Claw: {title}{which}", name, hunk=id_) for name, title in _ANSWERS[it.proposed]]
        for action in answers:
            action["diagnostics"] = [self.diagnostic(it)]
        name, title = _SHOW
        shows = [_action(f"Claw: {title}{which}", name, hunk=id_)] if it.proposed else []
        return [
            *answers,
            *shows,
            _action(f"Claw: Explain this change{which}", "claw.explain", hunk=id_),
            _action(f"Claw: Reply…{which}", "claw.chat", hunk=id_),
        ]

    def _on(self, path: str, first: int, last: int) -> list[Shown]:
        """The hunks on these lines; one that ends at the beginning of a line does not reach it."""
        shown = self._review.at(path)
        if not shown:
            return []
        index = self._index(shown[0])
        top, bottom = index.span(first)[0], index.span(last)[1]
        places = [(it, *it.place) for it in shown]
        return [it for it, start, end in places if start <= bottom and (end > top or start >= top)]

    def _index(self, it: Shown) -> LineIndex:
        buffer = self._buffers.get(it.hunk.path)
        return buffer.index if buffer and buffer.text == it.text else LineIndex(it.text)

    def _told(self, it: Shown, book: Book) -> str:
        prompt = book.prompts.get(it.hunk.maker.prompt_id)
        words = book.words.get(it.hunk.maker.call_id, "")
        cost = f"{dollars(prompt.cost)} for the whole turn" if prompt and prompt.ended else "the turn still runs"
        lines = [f"**Claw** {_what(it)} for: {flat(prompt_line(book, it.hunk), 200)}"]
        lines += [_quoted(words)] if words else []
        before, after = it.texts
        other, head = (after, "It would become") if it.proposed else (before, "It was")
        lines += [f"{head}:\n\n{_fenced(other)}"] if other.strip() else []
        return "\n\n".join([*lines, f"_{cost}_"])


_ANSWERS = {
    False: (("claw.keep", "Keep"), ("claw.undo", "Revert")),
    True: (("claw.apply", "Apply"), ("claw.dismiss", "Dismiss")),
}
"""Commands and their words, of hunks and of proposals."""
_SHOW = ("claw.diff", "Show diff")
_WAYS = {
    (False, False): "Keep or revert it with a code action here.",
    (False, True): "Reverting it leaves what is in its way.",
    (True, False): "It is not in the file: apply or dismiss it with a code action here.",
    (True, True): "It cannot be applied over that: edit it by hand, ask again, or dismiss it.",
}
"""What can be done, by whether it is a proposal and whether something is in its way."""


def _what(it: Shown) -> str:
    if it.hunk.kind == "contested":
        return "left this, which was changed after the prompt that was taken back"
    if it.proposed:
        before, after = it.texts
        if not after:
            return "would take this out"
        return "would change this" if before.strip() else "would write here"
    if not it.hunk.after:
        return "took something out here"
    return "changed this" if it.hunk.before.strip() else "wrote this"


def _action(title: str, name: str, **arguments: Any) -> Action:
    return {"title": title, "kind": QUICKFIX, "command": command(name, title, **arguments)}


def _quoted(words: str) -> str:
    return "\n".join(f"> {line}" for line in plain(words, LONGEST_HOVER).split("\n"))


def _fenced(text: str) -> str:
    shown = text if len(text) <= LONGEST_HOVER else f"{text[:LONGEST_HOVER]}…"
    fence = "```"
    while fence in shown:
        fence += "`"
    return f"{fence}\n{shown.rstrip()}\n{fence}"
