"""The size check: files, functions, packages' __init__, and the whole; prints the ten largest files."""

from __future__ import annotations

import ast
import io
import statistics
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

FILE, FUNCTION, MEDIAN = 500, 50, 120
ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "claw_lsp"
LIMITS = {
    "facts": 1_700,
    "ports": 500,
    "core/policy": 2_600,
    "core/chat": 1_500,
    "core/hooks": 800,
    "core/mcp": 400,
    "core/files": 1_600,
    "core": 5_000,
    "engine": 2_300,
    "lsp/transport": 1_400,
    "lsp/chat": 1_100,
    "lsp/files": 600,
    "lsp/mcp": 450,
    "lsp": 7_700,
}
"""Lines of code that each part of engine and door may have, without those of its parts that are named here themselves
(decision 0014). Adapters, tools and the terminal grow with the outside world."""


def main() -> int:
    """Print the ten largest and what is too large; 1 if anything is."""
    sizes = {path: path.read_text("utf-8").count("\n") for path in sorted(PACKAGE.rglob("*.py"))}
    ours = {path: n for path, n in sizes.items() if PACKAGE / "testing" not in path.parents}
    parts = dict.fromkeys(LIMITS, 0)
    for path in ours:
        if part := _part(path):
            parts[part] += lines_of_code(path.read_text("utf-8"))
    median = statistics.median(sizes.values())
    said = ", ".join(f"{part} {n}" for part, n in parts.items())
    print(f"{sum(parts.values())} lines of code in engine and door: {said}.")
    print(f"{sum(ours.values())} with blank lines, comments and docstrings in all outside testing.")
    print(f"The median file has {median:.0f}; the ten largest:")
    for path, n in sorted(sizes.items(), key=lambda it: -it[1])[:10]:
        print(f"{n:6} {path.relative_to(ROOT)}")
    faults = [f"{path.relative_to(ROOT)}: {n} lines, at most {FILE}" for path, n in sizes.items() if n > FILE]
    faults += [fault for path in sizes for fault in _faults(path)]
    faults += [f"{part}: {n} lines of code, at most {LIMITS[part]}" for part, n in parts.items() if n > LIMITS[part]]
    faults += [f"claw_lsp: the median file has {median:.0f} lines, at most {MEDIAN}"] if median > MEDIAN else []
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


def _part(path: Path) -> str | None:
    """The part with a limit that a file belongs to, the smallest one; None for what has none."""
    named = path.relative_to(PACKAGE).as_posix()
    return next((it for it in LIMITS if named == it or named.startswith(f"{it}/")), None)


def lines_of_code(source: str) -> int:
    """Lines with code on them: blank lines, comments and docstrings are left out."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {n for it in tokens if it.type not in _NO_CODE for n in range(it.start[0], it.end[0] + 1)}
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str()), end_lineno=int(end)):
                lines -= set(range(node.lineno, end + 1))
            case _:
                continue
    return len(lines)


_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def _faults(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            n_lines = node.end_lineno - node.lineno + 1
            if n_lines > FUNCTION:
                yield f"{path.relative_to(ROOT)}:{node.lineno}: {node.name} has {n_lines} lines, at most {FUNCTION}"
    if path.name == "__init__.py" and (logic := [it for it in tree.body if not _harmless(it)]):
        yield f"{path.relative_to(ROOT)}:{logic[0].lineno}: logic in a package's __init__"


def _harmless(node: ast.stmt) -> bool:
    """Whether a statement may stand in a package's __init__: docstrings, imports, `__all__` and the version."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__" | "__version__")]):
            return True
        case _:
            return False


if __name__ == "__main__":
    sys.exit(main())
