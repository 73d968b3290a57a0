"""What the model is told: the Markdown files of this folder, read once."""

from claw_lsp.prompts.texts import ACTIONS, Prompts, load

__all__ = ["ACTIONS", "Prompts", "load"]
