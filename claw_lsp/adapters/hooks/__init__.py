"""Runs hooks: programs, addresses and prompts of the person's settings."""
