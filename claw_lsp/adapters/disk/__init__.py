"""Files on disk: regular ones only, bytes kept, never waiting, written whole or not at all."""

from claw_lsp.adapters.disk.places import located
from claw_lsp.adapters.disk.reading import EDIT_LIMIT, read_bytes, read_document, read_window
from claw_lsp.adapters.disk.workspace import DiskWorkspace, apply_on_disk
from claw_lsp.adapters.disk.writing import Written, create_document, write_document

__all__ = [
    "EDIT_LIMIT",
    "DiskWorkspace",
    "Written",
    "apply_on_disk",
    "create_document",
    "located",
    "read_bytes",
    "read_document",
    "read_window",
    "write_document",
]
