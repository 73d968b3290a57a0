"""Checkpoints in a git repository of our own, beside the person's and never touching it."""
