"""The language of claw-lsp's own files: what may stand where, what it means, what is wrong with it."""
