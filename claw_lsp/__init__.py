"""A Claude coding agent whose user interface is any editor with an LSP client."""
