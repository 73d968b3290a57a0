"""What this client can do, worked out once from its initialize request; the only place that knows editors by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from claw_lsp.core.position import Encoding

Saves = Literal["claw", "refactoring", "never"]
"""How a buffer reaches the disk without the person: by our own request, by an edit marked as a refactoring, or not."""


@dataclass(frozen=True, slots=True)
class Powers:
    """One client's powers.

    `document_changes` says that versions go with edits; it may still ignore them: the text decides. `deletes`: an edit may
    delete a file. `questions` is
    False where a question can be shown but not answered with yes. `honest` says that an edit which the client calls
    applied was applied. An edit for `unchecked_version` is made in any text. `implied_line_end`: the line end
    of the last line belongs to no position, an empty file is one line. `echo_delay` is how many seconds after its
    answer to an edit the client has told of the new text.
    """

    client: str = ""
    encoding: Encoding = "utf-16"
    apply_edit: bool = False
    document_changes: bool = False
    deletes: bool = False
    questions: bool = True
    progress: bool = False
    show_document: bool = False
    symbol_tree: bool = False
    fold_text: bool = False
    hover_markdown: bool = False
    code_action_literals: bool = False
    code_lens: bool = False
    code_lens_refresh: bool = False
    configuration: bool = False
    configuration_registration: bool = False
    saves: Saves = "never"
    honest: bool = True
    unchecked_version: int | None = None
    implied_line_end: bool = False
    echo_delay: float = 0.3
    toasts: bool = False
    events: bool = False
    save: bool = False
    input: bool = False
    pick: bool = False
    diff: bool = False
    language_features: bool = False


def powers_of(params: Mapping[str, Any]) -> Powers:
    """The powers that initialize parameters (their JSON) announce, and those the client is known to have or to lack."""
    said = _Said(params.get("capabilities"))
    known = _known(params)
    shim = _Said(said.at("experimental", "claw"))
    save = shim.yes("save")
    versions = said.yes("workspace", "workspaceEdit", "documentChanges") or known.versions
    return Powers(
        client=_client_name(params),
        encoding=_encoding(said.at("general", "positionEncodings")),
        apply_edit=said.yes("workspace", "applyEdit"),
        document_changes=versions,
        deletes=versions and "delete" in said.list("workspace", "workspaceEdit", "resourceOperations"),
        questions=known.questions,
        progress=said.yes("window", "workDoneProgress"),
        show_document=said.yes("window", "showDocument", "support"),
        symbol_tree=said.yes("textDocument", "documentSymbol", "hierarchicalDocumentSymbolSupport"),
        fold_text=said.yes("textDocument", "foldingRange", "foldingRange", "collapsedText"),
        hover_markdown="markdown" in said.list("textDocument", "hover", "contentFormat"),
        code_action_literals=said.has("textDocument", "codeAction", "codeActionLiteralSupport"),
        code_lens=said.has("textDocument", "codeLens"),
        code_lens_refresh=said.yes("workspace", "codeLens", "refreshSupport"),
        configuration=said.yes("workspace", "configuration"),
        configuration_registration=said.yes("workspace", "didChangeConfiguration", "dynamicRegistration"),
        saves="claw" if save else _saves_by_refactoring(said, known),
        honest=known.honest,
        unchecked_version=known.unchecked_version,
        implied_line_end=known.implied_line_end,
        echo_delay=known.echo_delay,
        toasts=known.toasts,
        events=shim.yes("events"),
        save=save,
        input=shim.yes("input"),
        pick=shim.yes("pick"),
        diff=shim.yes("diff"),
        language_features=shim.yes("languageFeatures"),
    )


def knows(params: Mapping[str, Any], feature: str) -> bool:
    """Whether a client says that it asks for this feature of text documents."""
    return _Said(params).has("capabilities", "textDocument", feature)


@dataclass(frozen=True, slots=True)
class _Known:
    """What a client does and does not say; measured in the editors themselves."""

    versions: bool = False
    questions: bool = True
    honest: bool = True
    unchecked_version: int | None = None
    implied_line_end: bool = False
    echo_delay: float = 0.3
    refactoring_saves: bool = False
    toasts: bool = False


def _known(params: Mapping[str, Any]) -> _Known:
    name = _client_name(params).lower()
    if name == "neovim":
        # It says so of a stale edit that it dropped, too; but it tells of the new text before it answers.
        return _Known(versions=True, honest=False, unchecked_version=0, implied_line_end=True)
    if name == "coc.nvim":
        return _Known(implied_line_end=True)
    if name == "vim-lsp":
        # Only the first answer of a question can be picked there, and the first is the harmless one.
        return _Known(questions=False)
    if name == "eglot" or not name:
        # eglot 1.9 gives no name and tells of changes when Emacs is idle for half a second; a stranger may do as it does.
        return _Known(echo_delay=1.5)
    if any(it in name for it in ("visual studio code", "code-server", "code - oss", "vscodium")):
        return _Known(refactoring_saves=True, toasts=True)
    return _Known()


def _saves_by_refactoring(said: _Said, known: _Known) -> Saves:
    announced = said.yes("workspace", "workspaceEdit", "metadataSupport")
    return "refactoring" if announced and known.refactoring_saves else "never"


def _client_name(params: Mapping[str, Any]) -> str:
    name = _Said(params).at("clientInfo", "name")
    return name if isinstance(name, str) else ""


def _encoding(offered: Any) -> Encoding:
    """The client's first choice that we speak; utf-16 where it offers nothing."""
    for encoding in cast("list[Any]", offered) if isinstance(offered, list) else []:
        if encoding in ("utf-8", "utf-16", "utf-32"):
            return encoding
    return "utf-16"


class _Said:
    """A tree of capabilities in which any branch may be missing, null or of the wrong type."""

    def __init__(self, tree: object) -> None:
        self._tree = tree

    def at(self, *path: str) -> Any:
        here: Any = self._tree
        for name in path:
            here = cast("Mapping[str, Any]", here).get(name) if isinstance(here, Mapping) else None
        return here

    def yes(self, *path: str) -> bool:
        return self.at(*path) is True

    def list(self, *path: str) -> list[Any]:
        found = self.at(*path)
        return cast("list[Any]", found) if isinstance(found, list) else []

    def has(self, *path: str) -> bool:
        return isinstance(self.at(*path), Mapping)
