"""What a permission rule means, in words."""

from __future__ import annotations

from claw_lsp.core.policy.rules import LINE_TOOLS, PATH_TOOLS, Written, of_server, read, remark, worth
from claw_lsp.facts.rule import Behavior

_DOES = {"allow": "Allows", "ask": "Asks about", "deny": "Denies"}
_PATHS = {
    "Read": "reading (Read, Grep, Glob)",
    "Edit": "changing (Edit, Write, NotebookEdit)",
    "Cd": "going to",
}


def in_words(text: str, behavior: Behavior) -> str:
    """One or two sentences; what is wrong with the rule is among them."""
    written = read(text)
    wrong = remark(text, behavior)
    if written is None:
        return f"This is no rule: {wrong}."
    said = f"{_DOES[behavior]} {_meant(written)}."
    if behavior == "deny" and written.tool == "Read" and not written.whole:
        said += " What may not be read may not be changed, either."
    if wrong:
        said += f" But {wrong}" + (f": {left}." if (left := worth(text, behavior)) else ".")
    return said


def _meant(it: Written) -> str:
    spec = (it.spec or "").strip()
    if it.tool.startswith("mcp__"):
        return _of_server(it.tool)
    if it.whole:
        return f"every use of `{it.tool}`" if "*" not in it.tool else f"every tool whose name is like `{it.tool}`"
    if it.parameter is not None and it.tool not in LINE_TOOLS:
        name, value = it.parameter
        if it.tool == "WebFetch" and name == "domain":
            return _host(value)
        return f"calls of {it.tool} whose field `{name}` is `{value}`"
    if it.tool in LINE_TOOLS:
        return _commands(it.tool, spec)
    if it.tool in PATH_TOOLS:
        return f"{_PATHS.get(it.tool, it.tool)} {_files(spec)}"
    return f"{it.tool} with `{spec}`"


def _of_server(tool: str) -> str:
    parts = of_server(tool)
    if parts is None:
        return f"every tool whose name is like `{tool}`"
    server = parts[0].removeprefix("mcp__")
    if parts[1] in (None, "*"):
        return f"every tool of the MCP server `{server}`"
    like = "tools like" if "*" in str(parts[1]) else "the tool"
    return f"{like} `{parts[1]}` of the MCP server `{server}`"


def _commands(tool: str, spec: str) -> str:
    by_itself = "of a line of several commands each is judged by itself"
    begins = next((spec.removesuffix(it) for it in (":*", " *") if spec.endswith(it)), None)
    if begins is not None and "*" not in begins:
        return f"every {tool} command that is `{begins}` or begins with it and a blank; {by_itself}"
    if "*" in spec:
        return f"every {tool} command like `{spec}`, `*` being any text; {by_itself}"
    return f"the {tool} command `{spec}`, exactly"


def _host(host: str) -> str:
    host = host.strip()
    if host == "*":
        return "fetching from every host"
    if host.startswith("*.") and "*" not in host[2:]:
        return f"fetching from every host below `{host[2:]}`, not from it"
    return f"fetching from `{host}`"


def _files(spec: str) -> str:
    but = "all but " if spec.startswith("!") else ""
    plain = spec.removeprefix("!")
    if plain.startswith("//"):
        return f"{but}`{plain[1:]}` (from the root of the disk)"
    if plain.startswith("~/"):
        return f"{but}`{plain}` (in your home folder)"
    if plain.startswith("/"):
        return f"{but}`{plain}` (from the folder of these settings)"
    if "/" not in plain.rstrip("/").removeprefix("./") and not plain.startswith("./"):
        return f"{but}what is called `{plain}`, at any depth"
    return f"{but}`{plain}` (from the working folder)"
