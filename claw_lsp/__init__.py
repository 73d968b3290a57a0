"""A Claude coding agent whose user interface is any editor with an LSP client."""

__version__ = "0.1.0"
