"""An editor in memory, the door's knowledge of it, and the workspace between them, for every recorded client."""

import json
from dataclasses import replace
from pathlib import Path

from lsprotocol import types
from lsprotocol.converters import get_converter

from claw_lsp.adapters.disk.workspace import DiskWorkspace
from claw_lsp.facts.text import Change, TextEdit
from claw_lsp.lsp import from_lsp
from claw_lsp.lsp.buffers import Buffers
from claw_lsp.lsp.editor import Patience
from claw_lsp.lsp.powers import Powers, powers_of
from claw_lsp.lsp.workspace import EditorWorkspace
from claw_lsp.testing.memory_editor import Beside, MemoryEditor
from claw_lsp.testing.quirks import CLIENTS, Quirks

CONVERTER = get_converter()
FIXTURES = Path(__file__).parent.parent / "fixtures" / "clients"
NAMES = sorted(CLIENTS)
QUICK = Patience(answer=0.3, grace=0.05, echo=0.4, opening=0.2, saving=0.3, look=0.02)
HEAR = {
    "textDocument/didOpen": (types.DidOpenTextDocumentParams, from_lsp.did_open),
    "textDocument/didChange": (types.DidChangeTextDocumentParams, from_lsp.did_change),
    "textDocument/didSave": (types.DidSaveTextDocumentParams, from_lsp.did_save),
    "textDocument/didClose": (types.DidCloseTextDocumentParams, from_lsp.did_close),
}


class Desk:
    """An editor with these habits before a door that believes it to have these powers."""

    def __init__(self, quirks: Quirks, powers: Powers, patience: Patience = QUICK) -> None:
        self.editor = MemoryEditor(quirks)
        self.buffers = Buffers(powers.encoding)
        self.editor.outbox = self.hear
        self.workspace = EditorWorkspace(Beside(self.editor), self.buffers, powers, DiskWorkspace(), patience)

    def hear(self, method, params):
        kind, tell = HEAR[method]
        tell(self.buffers, CONVERTER.structure(params, kind))

    async def change(self, path, old, new):
        """The change an Edit tool would plan now."""
        document = await self.workspace.read(path)
        assert document.text.count(old) == 1
        start = document.text.index(old)
        return Change(path, document, (TextEdit(start, start + len(old), new),))


def powers_like(name: str) -> Powers:
    """The recorded powers; Helix's from its source. Delays are shortened: the double needs no long ones."""
    if name == "helix":
        return Powers("helix", "utf-8", apply_edit=True, document_changes=True, echo_delay=0.05)
    return replace(powers_of(json.loads((FIXTURES / f"{name}.json").read_text())), echo_delay=0.05)


def desk_of(name: str, patience: Patience = QUICK, **other_habits) -> Desk:
    """A desk for a recorded client, or for one like it that has some other habits."""
    quirks = CLIENTS[name]
    if quirks.echo == "idle":
        quirks = replace(quirks, echo_delay=0.02)
    return Desk(replace(quirks, **other_habits), powers_like(name), patience)
