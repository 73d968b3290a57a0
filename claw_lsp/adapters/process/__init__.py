"""Shell commands and everything they start: each runs under a small supervisor process of its own."""
