"""The permission rules in force as a document for people: where each comes from, what it last decided, what is not believed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from claw_lsp.core.chat.writer import code
from claw_lsp.core.policy.rules import remark
from claw_lsp.core.words import counted
from claw_lsp.facts.event import CallJudged, Entry
from claw_lsp.facts.rule import Behavior, Rule

SESSION = "this session"
BEHAVIORS: tuple[Behavior, ...] = ("deny", "ask", "allow")
CHANGEABLE = frozenset({"user", "project", "local"})
"""The sources whose files a person writes rules into."""

_HEADINGS: dict[Behavior, str] = {
    "deny": "## Denied, in every mode",
    "ask": "## Asked about, in every mode",
    "allow": "## Allowed",
}
DONE: dict[str, str] = {"allow": "allowed", "deny": "refused", "fault": "failed"}


@dataclass(frozen=True, slots=True)
class Decided:
    """What a rule decided last: of which call, how, and when (Unix seconds)."""

    title: str
    decision: str
    at: float


@dataclass(frozen=True, slots=True)
class Listed:
    """A rule in force. `line` is where it stands in its file, None where that is not known; `n` how many calls of the session
    it decided; `wrong` what is wrong with it."""

    rule: Rule
    line: int | None = None
    n: int = 0
    last: Decided | None = None

    @property
    def wrong(self) -> str:
        return remark(self.rule.text, self.rule.behavior)

    @property
    def changeable(self) -> bool:
        """Whether the person can change it from here."""
        return self.rule.source == SESSION if not self.rule.file else self.rule.source in CHANGEABLE


@dataclass(frozen=True, slots=True)
class Standing:
    """All there is to say. `states` are lines about mode, sandbox and trust; `withheld` and `problems` are sentences."""

    states: tuple[str, ...]
    rules: tuple[Listed, ...]
    withheld: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


def listed(
    of_files: Iterable[Rule],
    of_session: Iterable[Rule],
    entries: Sequence[Entry],
    lines: Mapping[str, Mapping[tuple[Behavior, str], int]],
) -> tuple[Listed, ...]:
    """The rules in force, deny before ask before allow; `lines` says by file where each stands. A rule that stands in a
    file is not listed again for the session that it was made in."""
    rules = list(of_files)
    known = {(it.text, it.behavior) for it in rules}
    here = [it.model_copy(update={"source": SESSION, "file": ""}) for it in of_session]
    rules += [it for it in dict.fromkeys(here) if (it.text, it.behavior) not in known]
    found = [_listed(it, lines.get(it.file, {}).get((it.behavior, it.text)), entries) for it in rules]
    return tuple(sorted(found, key=lambda it: BEHAVIORS.index(it.rule.behavior)))


def _listed(rule: Rule, line: int | None, entries: Sequence[Entry]) -> Listed:
    judged = [(it.event, it.at) for it in entries if isinstance(it.event, CallJudged) and it.event.rule == rule.text]
    event, at = judged[-1] if judged else (None, 0.0)
    return Listed(rule, line, len(judged), Decided(event.title, event.decision, at) if event else None)


def written(it: Standing, shown: Callable[[str], str], when: Callable[[float], str]) -> tuple[str, dict[str, Listed]]:
    """The document, and which rule each of its lines is about. `shown` shortens a path, `when` writes a time."""
    text = ["# Permissions", "", *(f"- {line}" for line in it.states), ""]
    text += ["Deny comes before ask, and ask before allow, whatever the order of the rules and wherever they stand."]
    text += ["On the line of a rule, code actions remove it, change it, or open the file it stands in.", ""]
    about: dict[str, Listed] = {}
    for behavior in BEHAVIORS:
        here = {_line(one, shown, when): one for one in it.rules if one.rule.behavior == behavior}
        text += [_HEADINGS[behavior], "", *(here or ["No rule."]), ""]
        about |= here
    for heading, lines in (
        ("## Left out: not believed from where it stands, or not known", it.withheld),
        ("## Not understood", it.problems),
        ("## Folders beside the workspace", tuple(map(shown, it.folders))),
    ):
        text += [heading, "", *(f"- {line}" for line in lines), ""] if lines else []
    return "\n".join(text), about


def _line(it: Listed, shown: Callable[[str], str], when: Callable[[float], str]) -> str:
    place = shown(it.rule.file) + (f":{it.line}" if it.line else "") if it.rule.file else it.rule.source
    line = f"- {code(it.rule.text)} ({place})"
    if it.last is not None:
        done = DONE.get(it.last.decision, it.last.decision)
        line += f": {counted(it.n, 'call')}, the last {done} at {when(it.last.at)}: {code(it.last.title)}"
    return f"{line} — {it.wrong}" if it.wrong else line
