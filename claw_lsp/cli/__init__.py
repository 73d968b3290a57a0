"""The command line."""

from claw_lsp.cli.entry import main

__all__ = ["main"]
