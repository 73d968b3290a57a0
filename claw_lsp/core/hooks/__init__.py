"""Hooks as pure values: which of them run, what they are told, what they said."""
