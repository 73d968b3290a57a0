"""The composition root: the only floor that sees the doors, the tools, the adapters and the engine together."""
