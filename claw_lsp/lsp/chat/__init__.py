"""The chat documents of one client: Markdown files that it shows, and into which answers are streamed."""

from claw_lsp.lsp.chat.chats import Chats
from claw_lsp.lsp.chat.desk import Desk, Patience, Slash

__all__ = ["Chats", "Desk", "Patience", "Slash"]
