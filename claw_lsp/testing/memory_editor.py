"""An editor without a screen: it holds buffers over real files, obeys a server as real clients do, and lets a test or
the demo be the person.

    editor = MemoryEditor(CLIENTS["nvim"])
    editor.outbox = client.notify            # where its notifications go: (method, params)
    editor.open(path)                        # didOpen, from disk; or open(path, "unsaved text")
    editor.type(path, 0, "# typed ")         # the person types: didChange
    await editor.handle(method, params)      # a request of the server's: its result, or WireError, or NoAnswer
    editor.undo(path)                        # takes back one step and names it
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claw_lsp.core.position import LineIndex
from claw_lsp.facts.fault import ClientRefused, ClientSilent
from claw_lsp.facts.text import TextEdit
from claw_lsp.lsp import to_lsp
from claw_lsp.lsp.uris import filelike, path_of, uri_of
from claw_lsp.testing.quirks import Quirks
from claw_lsp.testing.wire import NoAnswer, WireClient, WireError

Json = dict[str, Any]
Outbox = Callable[[str, Any], object]
Answering = Callable[[Json], Any | Awaitable[Any]]

TYPED = "typing"
"""The name of the person's own undo steps."""

_MARK = "\ufeff"


@dataclass(slots=True)
class OpenFile:
    """One buffer. `past` holds the undo steps: the text before each, and its name; `kept` is what the file holds."""

    uri: str
    path: str
    language: str
    version: int
    index: LineIndex
    kept: str
    mark: str = ""
    told: bool = True
    past: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    waiting: list[Json] = field(default_factory=list[Json])

    @property
    def text(self) -> str:
        return self.index.text


class MemoryEditor:
    """What is public is what a person or a test does; `handle` is what the server asks.

    `answer`: how requests that put something before the person are answered, by method (showMessageRequest,
    claw/input …); a function of the params, sync or async, which may raise NoAnswer. Without one, showMessageRequest is
    answered with null and other requests as the quirks say. `refusal`: set it and edits are refused in these words.
    `before_edit`, `after_edit`: called with the path around each edit of the server's: the moment to type in.
    `claw_saves`: it has the shim's `claw/save`. `requests`: everything the server asked, in order.

    Invariant: notifications leave in the order in which things happened, each didChange with the next version.
    """

    def __init__(self, quirks: Quirks | None = None, outbox: Outbox | None = None) -> None:
        self.quirks = quirks or Quirks()
        self.outbox: Outbox = outbox or (lambda method, params: None)
        self.answer: dict[str, Answering] = {}
        self.configuration: Json = {}
        self.requests: list[tuple[str, Json]] = []
        self.shown: list[Json] = []
        self.refusal: str | None = None
        self.silent_edits = False
        self.claw_saves = False
        self.before_edit: Callable[[str], None] = lambda path: None
        self.after_edit: Callable[[str], None] = lambda path: None
        self._files: dict[str, OpenFile] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    # ---- the person -----------------------------------------------------------------------------------------------

    def open(self, path: str, text: str | None = None, language: str = "plaintext") -> None:
        """Open a file as it is on disk, or with this unsaved text."""
        self._open(path, language, text, told=True)

    def close(self, path: str) -> None:
        """Close it; unsaved text is gone."""
        self.flush(path)
        file = self._files.pop(path)
        if file.told:
            self.outbox("textDocument/didClose", {"textDocument": {"uri": file.uri}})

    def text(self, path: str) -> str:
        """What the person sees; of a file that is not open, what is on disk."""
        return self._files[path].text if path in self._files else _read(path)[0]

    def type(self, path: str, offset: int, text: str) -> None:
        """Insert at a code point of the text."""
        self.replace(path, offset, offset, text)

    def replace(self, path: str, start: int, end: int, text: str) -> None:
        """Put other text in the place of a span of code points; an undo step of its own."""
        file = self._files[path]
        file.past.append((file.text, TYPED))
        # No cursor stands between \r and \n: there both ends mean the end of the line before.
        start, end = (file.index.offset(*file.index.position(it, "utf-32"), "utf-32") for it in (start, end))
        self._make(file, [TextEdit(start, end, text)])
        self._tell(file, by_server=False)

    def undo(self, path: str) -> str:
        """Take back the last step, whoever made it; answers its name."""
        file = self._files[path]
        before, name = file.past.pop()
        self._make(file, [TextEdit(0, len(file.text), before)])
        self._tell(file, by_server=False)
        return name

    def undo_steps(self, path: str) -> list[str]:
        """The names of what can be undone, the latest last."""
        return [name for _, name in self._files[path].past]

    def save(self, path: str) -> None:
        """Write the buffer to its file, and tell."""
        self.flush(path)
        file = self._files[path]
        _write(path, file.mark + file.text)
        self._saved(file, file.text)

    def dirty(self, path: str) -> bool:
        return path in self._files and self._files[path].text != self._files[path].kept

    def paths(self) -> tuple[str, ...]:
        """Every open buffer, those in the background too."""
        return tuple(self._files)

    def uri(self, path: str) -> str:
        return self._files[path].uri if path in self._files else uri_of(path)

    def version(self, path: str) -> int:
        return self._files[path].version

    def position(self, path: str, offset: int) -> Json:
        """A position in the protocol's units, for requests."""
        index = self._files[path].index if path in self._files else LineIndex(self.text(path))
        return to_lsp.position(index, offset, self.quirks.encoding)

    def range(self, path: str, start: int, end: int) -> Json:
        return {"start": self.position(path, start), "end": self.position(path, end)}

    def flush(self, path: str | None = None) -> None:
        """Send the changes that are still held back."""
        for one in (path,) if path else tuple(self._files):
            timer = self._timers.pop(one, None)
            if timer is not None:
                timer.cancel()
            file = self._files.get(one)
            if file is None or not file.waiting:
                continue
            changes, file.waiting = file.waiting, []
            identifier = {"uri": file.uri, "version": file.version}
            self.outbox("textDocument/didChange", {"textDocument": identifier, "contentChanges": changes})

    # ---- the client -----------------------------------------------------------------------------------------------

    def attach(self, client: WireClient) -> None:
        """Sit behind a wire: notifications go out through it, and the server's requests come here."""
        self.outbox = client.notify
        for method in _ANSWERED:
            client.on_request(method, _asking(self, method))

    async def handle(self, method: str, params: Any) -> Any:
        """The result of a request of the server's. Raises WireError, or NoAnswer where this client says nothing."""
        params = params or {}
        self.requests.append((method, params))
        if method in self.answer:
            result = self.answer[method](params)
            return await result if inspect.isawaitable(result) else result
        match method:
            case "workspace/applyEdit":
                result = self.apply(params)
                await self._save_refactoring(params)
                return result
            case "window/showMessageRequest" | "window/workDoneProgress/create":
                return None
            case "client/registerCapability" | "client/unregisterCapability":
                return None
            case "workspace/configuration":
                return [self.configuration.get(it.get("section") or "") for it in params["items"]]
            case "window/showDocument" if self.quirks.unknown == "error":
                return self._show(params)
            case "claw/save" if self.claw_saves:
                return await self._save_all(params)
            case _ if method in self.quirks.knows:
                return None
            case _:
                return self._unknown(method)

    def _unknown(self, method: str) -> None:
        if self.quirks.unknown == "silent":
            raise NoAnswer
        if self.quirks.unknown == "error":
            raise WireError(-32601, f"Unhandled method {method}")

    def _show(self, params: Json) -> Json:
        self.shown.append(params)
        path = path_of(params["uri"])
        if not params.get("external") and path not in self._files and filelike(path):
            self._open(path, "plaintext", None, told=True)
        return {"success": True}

    async def _save_all(self, params: Json) -> Json:
        uris: list[str] = params["uris"]
        for path in map(path_of, uris):
            if path in self._files:
                await self._save_aside(path)
        return {"saved": uris}

    async def _save_aside(self, path: str) -> None:
        """Save without holding up the loop, which may be the server's too."""
        self.flush(path)
        file = self._files[path]
        text = file.text
        await asyncio.to_thread(_write, path, file.mark + text)
        self._saved(file, text)

    def _saved(self, file: OpenFile, text: str) -> None:
        file.kept = text
        if file.told:
            self.outbox("textDocument/didSave", {"textDocument": {"uri": file.uri}})

    # ---- edits ----------------------------------------------------------------------------------------------------

    def apply(self, params: Json) -> Json:
        """What handle does with workspace/applyEdit, for an `answer` that does something around it."""
        changes = _changes(params["edit"])
        for change in changes:
            if "textDocument" in change:
                self.before_edit(path_of(change["textDocument"]["uri"]))
        if self.silent_edits:
            raise NoAnswer
        if self.refusal is not None:
            return self._refused(self.refusal)
        for change in changes:
            refused = self._create(change) if "kind" in change else self._edit(change, params.get("label") or "")
            if refused is not None:
                return refused
        return {"applied": True}

    def _edit(self, change: Json, label: str) -> Json | None:
        """None when the edit was made, else the answer that says why it was not."""
        identifier = change["textDocument"]
        path = path_of(identifier["uri"])
        if path not in self._files:
            self._open(path, "plaintext", None, told=self.quirks.tells_opening)
        file = self._files[path]
        version = identifier.get("version")
        if version not in (None, file.version, self.quirks.unchecked) and self.quirks.stale != "made":
            if self.quirks.stale == "true":
                return {"applied": True}
            return self._refused(f"Edits require version {version}, you have {file.version}")
        file.past.append((file.text, label))
        self._make(file, sorted(map(self._offsets(file), change["edits"]), key=lambda it: it.start))
        self._tell(file, by_server=True)
        self.after_edit(path)
        return None

    def _refused(self, why: str) -> Json:
        if self.quirks.stale == "error":
            raise WireError(-32603, why)
        return {"applied": False, "failureReason": why}

    def _offsets(self, file: OpenFile) -> Callable[[Json], TextEdit]:
        def offset(position: Json) -> int:
            return file.index.offset(position["line"], position["character"], self.quirks.encoding)

        def doubled(start: int, new: str) -> str:
            at_end = self.quirks.final_newline and start == len(file.text) and file.text.endswith(("\n", "\r"))
            return new + "\n" if at_end and new.endswith(("\n", "\r")) else new

        def edit(it: Json) -> TextEdit:
            start = offset(it["range"]["start"])
            return TextEdit(start, offset(it["range"]["end"]), doubled(start, it["newText"]))

        return edit

    def _create(self, change: Json) -> Json | None:
        """CreateFile, as carelessly as the clients do it."""
        path = Path(path_of(change["uri"]))
        if self.quirks.create == "silent":
            raise NoAnswer
        if change["kind"] == "delete":
            return self._delete(path)
        if change["kind"] != "create":
            return self._refused(f"{change['kind']} is not supported")
        options: Json = change.get("options") or {}
        if path.exists() and not options.get("ignoreIfExists"):
            if self.quirks.create == "refuses":
                return self._refused(f"{path} exists")
            path.write_bytes(b"")
        elif not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return None

    def _delete(self, path: Path) -> Json | None:
        """DeleteFile: the file goes, and its buffer is closed."""
        path.unlink(missing_ok=True)
        if str(path) in self._files:
            self.close(str(path))
        return None

    async def _save_refactoring(self, params: Json) -> None:
        metadata: Json = params.get("metadata") or {}
        changes = _changes(params["edit"])
        if self.quirks.saves_refactorings and metadata.get("isRefactoring") and len(changes) > 1:
            for path in [path_of(it["textDocument"]["uri"]) for it in changes if "textDocument" in it]:
                if self.dirty(path):
                    await self._save_aside(path)

    # ---- buffers --------------------------------------------------------------------------------------------------

    def _open(self, path: str, language: str, text: str | None, *, told: bool) -> None:
        kept, mark = _read(path) if filelike(path) and Path(path).is_file() else ("", "")
        shown = self._normal(kept if text is None else text)
        if self.quirks.final_newline and not shown.endswith(("\n", "\r")):
            shown += self.quirks.line_end or "\n"
        # Line ends and the last newline, which the editor changes by itself, make no buffer dirty.
        kept = shown if text is None else kept
        file = OpenFile(uri_of(path), path, language, self.quirks.first_version, LineIndex(shown), kept, mark, told)
        self._files[path] = file
        if told:
            item = {"uri": file.uri, "languageId": language, "version": file.version, "text": shown}
            self.outbox("textDocument/didOpen", {"textDocument": item})

    def _make(self, file: OpenFile, edits: list[TextEdit]) -> None:
        """Change the text, last edit first, and note what didChange has to say."""
        for edit in reversed(edits):
            self._splice(file, TextEdit(edit.start, edit.end, self._normal(edit.new)))
        if self.quirks.final_newline and not file.text.endswith(("\n", "\r")):
            self._splice(file, TextEdit(len(file.text), len(file.text), self.quirks.line_end or "\n"))
        file.version += 1

    def _splice(self, file: OpenFile, edit: TextEdit) -> None:
        spliced = file.index.spliced(edit)
        if self._normal(spliced.text) != spliced.text:
            spliced = LineIndex(self._normal(spliced.text))
            edit = TextEdit(0, len(file.text), spliced.text)
        if self.quirks.sync == "full":
            file.waiting = [{"text": spliced.text}]
        else:
            where = to_lsp.text_range(file.index, edit.start, edit.end, self.quirks.encoding)
            file.waiting.append({"range": where, "text": edit.new})
        file.index = spliced

    def _tell(self, file: OpenFile, *, by_server: bool) -> None:
        if not file.told:
            file.waiting.clear()
        elif self.quirks.echo == "before" or (self.quirks.echo == "after" and not by_server):
            self.flush(file.path)
        else:
            timer = self._timers.pop(file.path, None)
            if timer is not None:
                timer.cancel()
            loop = asyncio.get_running_loop()
            self._timers[file.path] = loop.call_later(self.quirks.echo_delay, self.flush, file.path)

    def _normal(self, text: str) -> str:
        if self.quirks.line_end is None:
            return text
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", self.quirks.line_end)


class Beside:
    """The port `Editor` straight into a MemoryEditor, without a wire between."""

    def __init__(self, editor: MemoryEditor) -> None:
        self._editor = editor

    async def ask(self, method: str, params: Json, *, timeout: float) -> Any:
        try:
            return await self._editor.handle(method, params)
        except WireError as error:
            raise ClientRefused(f"the editor refused {method}: {error.message}") from error
        except NoAnswer:
            await asyncio.sleep(timeout)
            raise ClientSilent(f"the editor did not answer {method} within {timeout:g} s") from None


def _asking(editor: MemoryEditor, method: str) -> Callable[[Any], Awaitable[Any]]:
    async def ask(params: Any) -> Any:
        return await editor.handle(method, params)

    return ask


def _changes(edit: Json) -> list[Json]:
    """The document changes of a WorkspaceEdit, whichever way they are written."""
    plain: dict[str, Any] = edit.get("changes") or {}
    written: list[Json] = edit.get("documentChanges") or []
    return written or [{"textDocument": {"uri": it, "version": None}, "edits": plain[it]} for it in plain]


def _write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(text.encode("utf-8", "surrogatepass"))


def _read(path: str) -> tuple[str, str]:
    """A file's text and its byte order mark."""
    text = Path(path).read_bytes().decode("utf-8", "surrogateescape")
    return (text.removeprefix(_MARK), _MARK if text.startswith(_MARK) else "")


_ANSWERED = (
    "workspace/applyEdit",
    "window/showMessageRequest",
    "window/showDocument",
    "window/workDoneProgress/create",
    "client/registerCapability",
    "client/unregisterCapability",
    "workspace/configuration",
    "workspace/codeLens/refresh",
    "workspace/diagnostic/refresh",
    "workspace/inlayHint/refresh",
    "workspace/foldingRange/refresh",
    "workspace/textDocumentContent/refresh",
    "claw/save",
    "claw/pick",
    "claw/input",
    "claw/diff",
    "claw/languageFeature",
)
