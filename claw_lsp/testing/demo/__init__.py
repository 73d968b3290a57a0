"""`claw-lsp demo`: one whole turn over the real stack, with an editor that has no screen."""
