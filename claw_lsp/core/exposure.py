"""What a session was exposed to: text that others wrote, the person's files, hosts that may be sent to (decision 0017)."""

from __future__ import annotations

from dataclasses import replace

from claw_lsp.facts.event import CallFinished
from claw_lsp.facts.scene import Exposure

MOST_SOURCES = 20
"""Where untrusted text came from is remembered of so many places, the last ones."""


def knowing(exposure: Exposure, hosts: tuple[str, ...]) -> Exposure:
    """With hosts that the person allowed to be sent to."""
    return replace(exposure, known=exposure.known.union(hosts)) if hosts else exposure


def exposed(before: Exposure, event: CallFinished) -> Exposure:
    """With what the result of a call brought in."""
    if not event.untrusted and event.private <= before.private:
        return before
    return replace(meeting(before, event.untrusted), private=before.private or event.private)


def meeting(before: Exposure, untrusted: tuple[str, ...]) -> Exposure:
    """With text that others wrote, from these places."""
    return replace(before, untrusted=tuple(dict.fromkeys((*before.untrusted, *untrusted)))[-MOST_SOURCES:])
