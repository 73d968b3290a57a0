"""Our diagnostics: every pending question, on the file it concerns, else where the person was when it was asked; and
every hunk that waits for review; and every comment that asks for something; what is wrong in settings files; and what goes
along with the prompt of a chat, where the client shows no lenses.

Each file's list is sent whole, and only when it changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from claw_lsp.core.merge import minimal_edits
from claw_lsp.core.position import Encoding, LineIndex
from claw_lsp.facts.question import Question
from claw_lsp.lsp import actions, to_lsp
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.questions import wording
from claw_lsp.lsp.uris import uri_of

INFORMATION = 3
"""LSP's DiagnosticSeverity.Information."""

Publish = Callable[[str, list[dict[str, Any]]], None]


class Notices:
    """Invariant: what a client was told of a file is what `published` holds."""

    def __init__(self, buffers: Buffers, publish: Publish) -> None:
        self._buffers = buffers
        self._publish = publish
        self.published: dict[str, list[dict[str, Any]]] = {}
        self._places: dict[str, str | None] = {}
        self._questions: tuple[Question, ...] = ()
        self._hunks: dict[str, list[dict[str, Any]]] = {}
        self._comments: dict[str, list[dict[str, Any]]] = {}
        self._settings: dict[str, list[dict[str, Any]]] = {}
        self._along: dict[str, list[dict[str, Any]]] = {}

    def show(self, questions: tuple[Question, ...]) -> None:
        """These questions are pending now, and no others."""
        self._questions = questions
        self._show()

    def show_hunks(self, hunks: dict[str, list[dict[str, Any]]]) -> None:
        """These are the diagnostics of the hunks there are now, by URI."""
        self._hunks = hunks
        self._show()

    def show_comments(self, comments: dict[str, list[dict[str, Any]]]) -> None:
        """These are the diagnostics of the comments that speak to us, by URI."""
        self._comments = comments
        self._show()

    def show_settings(self, problems: dict[str, list[dict[str, Any]]]) -> None:
        """This is what is wrong in the settings files that are open now, by URI."""
        self._settings = problems
        self._show()

    def show_along(self, lines: dict[str, list[dict[str, Any]]]) -> None:
        """This goes along with the prompts of the chats that are open now, by URI."""
        self._along = lines
        self._show()

    def _show(self) -> None:
        questions = self._questions
        wanted: dict[str, list[dict[str, Any]]] = {}
        seen = self._buffers.seen
        here = seen.path if seen else None
        self._places = {it.id: self._places.get(it.id, it.path or here) for it in questions}
        for question in questions:
            if (path := self._places[question.id]) is not None:
                wanted.setdefault(self._uri(path), []).append(self._diagnostic(question))
        for others in (self._hunks, self._comments, self._settings, self._along):
            for uri, found in others.items():
                wanted[uri] = [*wanted.get(uri, []), *found]
        for uri in [*wanted, *(it for it in self.published if it not in wanted)]:
            diagnostics = wanted.get(uri, [])
            if self.published.get(uri, []) != diagnostics:
                self._publish(uri, diagnostics)
        self.published = wanted

    def lenses(self, questions: tuple[Question, ...], path: str) -> list[dict[str, Any]]:
        """Every answer to every question that stands in this file, where its diagnostic is."""
        return [
            {"range": self._range(question), "command": actions.answer(question, choice)}
            for question in questions
            if self._places.get(question.id) == path
            for choice in question.choices
        ]

    def _uri(self, path: str) -> str:
        buffer = self._buffers.get(path)
        return buffer.uri if buffer else uri_of(path)

    def _diagnostic(self, question: Question) -> dict[str, Any]:
        return {
            "range": self._range(question),
            "severity": INFORMATION,
            "source": "claw",
            "code": question.id,
            "message": f"{wording(question)}\nAnswer with a code action here, or by claw.answer.",
            "data": {"question": question.id, "choices": [it.key for it in question.choices]},
        }

    def _range(self, question: Question) -> dict[str, Any]:
        """Where the change would be; the top of the file for every other question."""
        path = question.path
        buffer = self._buffers.get(path) if path else None
        encoding: Encoding = self._buffers.encoding
        change = next((it for it in question.plan.changes if it.path == path), None)
        index = buffer.index if buffer else LineIndex("")
        if change is None or buffer is None:
            return to_lsp.text_range(index, 0, 0, encoding)
        edits = minimal_edits(change.before, change.after)
        start = min(edits[0].start, len(buffer.text)) if edits else 0
        end = min(max(start, edits[0].end), len(buffer.text)) if edits else 0
        return to_lsp.text_range(index, start, end, encoding)
