"""The messages of a connection, kept for `claw-lsp trace`: off unless asked for, bounded, and without the text of files.

`<root>/wire/<began>-<process>.jsonl` holds the latest ones, the same name with `.1` those before; older ones are gone.
"""

from claw_lsp.adapters.wire.log import WireLog
from claw_lsp.adapters.wire.reading import Growing, WireLogs

__all__ = ["Growing", "WireLog", "WireLogs"]
