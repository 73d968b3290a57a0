"""How a permission rule is written: `Tool` or `Tool(spec)`; and what is wrong with one that cannot be read or can never mean
anything. What a rule means of a plan stands in matching.py."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from claw_lsp.core.policy import hosts, patterns
from claw_lsp.facts.rule import Behavior

LINE_TOOLS = frozenset({"Bash", "PowerShell", "Monitor"})
"""Tools whose spec is a pattern of a command."""
PATH_TOOLS = frozenset("Read Edit Grep Glob Write NotebookEdit LSP Cd".split())
"""Tools whose spec is a pattern of paths."""
NAMED_TOOLS = frozenset({"Agent", "Task", "Skill"})
"""Tools whose spec is a name."""
KNOWN = frozenset(
    """WebFetch WebSearch SendMessage ListAgents AskUserQuestion TaskCreate TaskGet TaskList TaskUpdate TodoWrite TaskStop
    TaskOutput EnterPlanMode ExitPlanMode EnterWorktree ExitWorktree ToolSearch WaitForMcpServers ListMcpResourcesTool
    ReadMcpResourceTool CronCreate CronList CronDelete ScheduleWakeup ReportFindings PushNotification SendUserFile
    RemoteTrigger Workflow Artifact BashOutput KillShell MultiEdit LS NotebookRead TodoRead SlashCommand""".split()
).union(LINE_TOOLS, PATH_TOOLS, NAMED_TOOLS)
"""Every tool by name; the last few are of other agents that read the same settings."""
_FIELDS = frozenset("run_in_background dangerouslyDisableSandbox timeout description model isolation".split())
"""Fields of tools that have a pattern or a name; in an allow rule they are a mistake."""
NO_PARAMETERS = frozenset({"command", "file_path", "path", "notebook_path", "url"})
"""Fields that a rule's own pattern is about, so that `Tool(param:value)` is not for them."""

_RULE = re.compile(r"(?P<tool>[A-Za-z_*][\w*.-]*)(?:\((?P<spec>.*)\))?", re.DOTALL)
_PARAMETER = re.compile(r"(?P<name>[A-Za-z_]\w+):(?P<value>.*)", re.DOTALL)
_SERVER = r"[A-Za-z0-9.-]+(?:_[A-Za-z0-9.-]+)*"
_OF_SERVER = re.compile(rf"(?P<server>mcp__{_SERVER})(?:__(?P<tool>[\w*.-]+))?")
_FROM_THE_ROOT = re.compile(r"/(home|Users|etc|usr|root|private)(/|$)")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]")


@dataclass(frozen=True, slots=True)
class Written:
    """A rule taken apart; `spec` is None where there are no parentheses."""

    tool: str
    spec: str | None

    @property
    def whole(self) -> bool:
        """Whether it means every use of its tool."""
        return self.spec is None or self.spec.strip() == "*"

    @property
    def parameter(self) -> tuple[str, str] | None:
        """The field and the value of `Tool(param:value)`."""
        found = _PARAMETER.fullmatch(self.spec or "")
        return (found["name"], found["value"]) if found and found["name"] not in NO_PARAMETERS else None


def read(text: str) -> Written | None:
    """The rule taken apart; None for what is no rule. Nothing between the parentheses is no rule, either."""
    found = _RULE.fullmatch(text.strip())
    if found is None or (found["spec"] is not None and not found["spec"].strip()):
        return None
    return Written(found["tool"], found["spec"])


def may_mean(text: str) -> str | None:
    """The tool that a text which is no rule seems to be about; None where it may be about any."""
    tool, parenthesis, _ = text.strip().partition("(")
    return tool if parenthesis and _RULE.fullmatch(tool) else None


def of_server(name: str) -> tuple[str, str | None] | None:
    """`mcp__<server>` and the tool of a name or pattern that begins with a server's literal name; else None.

    A name whose parts cannot be told from each other (underscores at an edge, or doubled) is of no server."""
    found = _OF_SERVER.fullmatch(name)
    tool = found["tool"] if found else None
    if found is None or (tool is not None and (tool.startswith("_") or "__" in tool)):
        return None
    return found["server"], tool


def remark(text: str, behavior: Behavior) -> str:
    """What is wrong with a rule and what to write instead, for people; "" for one that can be read and can mean something."""
    text = text.strip()
    written = read(text)
    if written is None:
        return _unreadable(text)
    return _about_tool(written.tool, behavior) or _about_spec(written, behavior)


def worth(text: str, behavior: Behavior) -> str:
    """What a rule of which something is remarked does as it is, for people; "" where that depends on what there is."""
    written = read(text)
    if written is None and behavior != "allow":
        return "every call that it may mean asks"
    if (
        written is not None
        and written.tool in PATH_TOOLS
        and _FROM_THE_ROOT.match((written.spec or "").removeprefix("!"))
    ):
        return ""
    return {"allow": "it allows nothing", "ask": "it asks about nothing", "deny": "it denies nothing"}[behavior]


def _unreadable(text: str) -> str:
    if re.fullmatch(r"[\w*.-]+\(\s*\)", text):
        tool = text.partition("(")[0]
        return f'nothing stands between the parentheses; write "{tool}" for every use of it'
    if text.count("(") > text.count(")"):
        return f'a parenthesis is not closed; write "{text})"'
    return 'expected a tool, or a tool and a pattern, such as "Bash(npm test *)" or "Read(.env)"'


def _about_tool(tool: str, behavior: Behavior) -> str:
    if tool.startswith("mcp__"):
        if of_server(tool) or (behavior != "allow" and "*" in tool):
            return ""
        if "*" in tool:
            return 'an allow rule names its server: write "mcp__<server>" or "mcp__<server>__<tool>"'
        return 'expected "mcp__<server>" or "mcp__<server>__<tool>"'
    if "*" in tool:
        if behavior == "allow":
            return (
                'an allow rule names its tool; "*" in a name is read in deny and ask rules, or behind "mcp__<server>__"'
            )
        fits = any(glob(tool).fullmatch(it) for it in KNOWN) or glob(tool).fullmatch("mcp__")
        return "" if fits else "no tool has a name like this"
    if tool in KNOWN:
        return ""
    folded = {it.casefold(): it for it in KNOWN}
    near = get_close_matches(tool.casefold(), folded, n=1, cutoff=0.6)
    return f'there is no tool {tool}; did you mean "{folded[near[0]]}"?' if near else f"there is no tool {tool}"


def _about_spec(it: Written, behavior: Behavior) -> str:
    if it.spec is None or it.whole:
        return ""
    spec = it.spec.strip()
    if it.tool in LINE_TOOLS:
        return _about_line(it, behavior)
    if it.tool == "WebFetch" and (spec.startswith("domain:") or it.parameter is None):
        return _about_host(spec)
    if it.tool in PATH_TOOLS and it.parameter is None:
        return _about_path(it.tool, spec)
    if it.parameter is not None and it.tool not in NAMED_TOOLS:
        only = f'a rule about a field denies or asks; an allow rule names all of it: "{it.tool}"'
        return only if behavior == "allow" else ""
    if it.tool in NAMED_TOOLS:
        field = behavior == "allow" and it.parameter is not None and it.parameter[0] in _FIELDS
        return f'a rule about a field denies or asks; an allow rule is a name: "{it.tool}(name)"' if field else ""
    return f'{it.tool} takes no pattern; write "{it.tool}", or "{it.tool}(field:value)" in a deny or ask rule'


def _about_line(it: Written, behavior: Behavior) -> str:
    spec = (it.spec or "").strip()
    name, _, value = spec.partition(":")
    if name in NO_PARAMETERS and value.strip(" *"):
        return f'the pattern is one of the command itself: write "{it.tool}({value.strip()})"'
    if ":*" in spec[:-2]:
        return f'":*" stands at the end only; write "{it.tool}({spec.replace(":*", " *")})"'
    if behavior == "allow" and name in _FIELDS:
        return (
            f'a rule about a field denies or asks; an allow rule is a pattern of the command: "{it.tool}(npm test *)"'
        )
    return ""


def _about_host(spec: str) -> str:
    if not spec.startswith("domain:"):
        return 'expected a host: write "WebFetch(domain:example.com)"'
    host = spec.removeprefix("domain:").strip()
    if "://" in host or "/" in host or re.fullmatch(r"[^:]+:\d+", host):
        bare = hosts.host_of(host if "://" in host else f"https://{host}")
        return f'only the host is compared; write "WebFetch(domain:{bare or "example.com"})"'
    return "" if hosts.pattern(host) else f"{host!r} is no name of a host"


def _about_path(tool: str, spec: str) -> str:
    plain = spec.removeprefix("!")
    name, colon, value = plain.partition(":")
    if colon and name in NO_PARAMETERS:
        return f'the pattern is the path itself: write "{tool}({value.strip()})"'
    if not patterns.readable(plain):
        return "this is no pattern of paths, as .gitignore has them"
    if re.search(r"\\\w", plain) and not _WINDOWS.match(plain):
        return f'a backslash quotes what follows; write "{tool}({spec.replace(chr(92), "/")})"'
    if _FROM_THE_ROOT.match(plain):
        return f'"/…" begins at the folder of these settings; from the root of the disk it is "{tool}(/{spec})"'
    return ""


def glob(pattern: str) -> re.Pattern[str]:
    """A text in which `*` stands for any characters, as a regular expression that takes no longer for many of them."""
    first, *rest = map(re.escape, pattern.split("*"))
    # What stands between two of them is taken where it is first found, and never looked for again.
    between = "".join(f"(?>.*?{it})" for it in rest[:-1])
    return re.compile(f"{first}{between}.*{rest[-1]}" if rest else first, re.DOTALL)
