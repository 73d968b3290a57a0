"""The hands: they perform what the core decided."""
