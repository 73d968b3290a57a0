"""What the handshake announces, as plain names: what they stand for is loaded later (tests/wire/test_announced.py compares)."""

from __future__ import annotations

COMMANDS = (
    "claw.answer",
    "claw.apply",
    "claw.ask",
    "claw.chat",
    "claw.clear",
    "claw.comment",
    "claw.commitMessage",
    "claw.cost",
    "claw.delete",
    "claw.diff",
    "claw.dismiss",
    "claw.document",
    "claw.edit",
    "claw.effort",
    "claw.explain",
    "claw.export",
    "claw.fix",
    "claw.fork",
    "claw.help",
    "claw.hunks",
    "claw.init",
    "claw.keep",
    "claw.mode",
    "claw.model",
    "claw.permissions",
    "claw.questions",
    "claw.refactor",
    "claw.rename",
    "claw.resume",
    "claw.retry",
    "claw.review",
    "claw.search",
    "claw.send",
    "claw.sessions",
    "claw.status",
    "claw.steer",
    "claw.stop",
    "claw.tests",
    "claw.trust",
    "claw.undo",
    "claw.wait",
)
"""Every command, by name."""

KINDS = (
    "quickfix",
    "claw.explain",
    "refactor.rewrite.claw.edit",
    "claw.tests",
    "refactor.rewrite.claw.document",
    "refactor.rewrite.claw.refactor",
    "source.claw.review",
)
"""Every kind of code action."""
