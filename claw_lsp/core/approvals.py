"""Approvals bound to content: what is approved is a digest, so that whatever is changed afterwards asks again.

The same for a settings file's rule, a hook, an entry of .mcp.json, a plugin's source and a tool that a server describes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from claw_lsp.facts.trust import Item, Sought, Standing

Digests = Mapping[str, str]
"""What digests are of, by digest."""


@dataclass(frozen=True, slots=True)
class Approvals:
    """What a person said of one folder. Only what stands in `approved` is in force; `refused` is not asked about again."""

    standing: Standing = "unknown"
    approved: Digests = field(default_factory=dict[str, str])
    refused: Digests = field(default_factory=dict[str, str])


NOTHING = Approvals()


def item(what: str, content: Any, path: str) -> Item:
    """The item of this content, which is JSON. Raises RecursionError for content that is nested too deep."""
    text = canonical(content)
    return Item(what, text, digest(what, text), path)


def canonical(content: Any) -> str:
    """The one text of a JSON value: white space and the order of names mean nothing, everything else does."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(what: str, content: str) -> str:
    """What an approval is bound to."""
    return hashlib.sha256(f"{len(what)}:{what}{content}".encode("utf-8", "surrogatepass")).hexdigest()


def approved(it: Item, approvals: Approvals) -> bool:
    """Whether this very content was approved; whatever runs, allows or redirects something asks this before it does."""
    return it.digest in approvals.approved


def changed(it: Item, approvals: Approvals) -> bool:
    """Whether something of this name was approved, and not this."""
    return not approved(it, approvals) and it.what in approvals.approved.values()


def sought(folder: str, items: Iterable[Item], approvals: Approvals, never: tuple[str, ...] = ()) -> Sought:
    """What of these is not in force. In a folder that was refused all of it is."""
    left = tuple({it.digest: it for it in items if not approved(it, approvals)}.values())
    refused = tuple(it for it in left if approvals.standing == "refused" or it.digest in approvals.refused)
    waiting = [it for it in left if it not in refused]
    old = tuple(it for it in waiting if changed(it, approvals))
    return Sought(folder, approvals.standing, tuple(it for it in waiting if it not in old), old, refused, never)


def trusting(approvals: Approvals, items: Iterable[Item]) -> Approvals:
    """After a yes to these; what was approved before stays so."""
    added = {it.digest: it.what for it in items}
    refused = {key: what for key, what in approvals.refused.items() if key not in added}
    return Approvals("trusted", {**approvals.approved, **added}, refused)


def refusing(approvals: Approvals, items: Iterable[Item]) -> Approvals:
    """After a *Never* to these, in a folder that is trusted otherwise."""
    refused = {**approvals.refused, **{it.digest: it.what for it in items}}
    return Approvals(approvals.standing, approvals.approved, refused)


REFUSED = Approvals("refused")


def of_person(variable: str) -> bool:
    """Whether an environment variable is the person's alone: it names a key or an address, or what programs are run by."""
    return _OF_PERSON.search(variable) is not None


def ours(variable: str) -> bool:
    """Whether an environment variable is how this program itself reaches its provider."""
    return re.match(r"(?i)(ANTHROPIC|CLAUDE|CLAW)_.*(KEY|TOKEN|SECRET)", variable) is not None


_OF_PERSON = re.compile(
    r"(?ix) ^(ANTHROPIC|CLAUDE|CLAW|AWS|AZURE|GOOGLE|CLOUDSDK|OPENAI)(_|$) | ^(LD|DYLD|GIT|SSH|XDG|BASH_FUNC|RIPGREP)_"
    r"| ^(PATH|HOME|SHELL|USER|IFS|ENV|BASH_ENV|BASHOPTS|SHELLOPTS|PS[0-4]|PROMPT_COMMAND|CDPATH|FPATH|ZDOTDIR)$"
    r"| _PROXY$ | PAGER$ | EDITOR$ | ^(VISUAL|BROWSER|LESSOPEN|LESSCLOSE|GREP_OPTIONS|PYTHONSTARTUP|PYTHONHOME)$"
    r"| ^SSL_CERT | CA_BUNDLE$ | CA_CERTS$ | TLS_REJECT | KEY | TOKEN | SECRET | PASSW | PASSPHRASE | CREDENTIAL"
)
