"""Front door 1: the language server."""
