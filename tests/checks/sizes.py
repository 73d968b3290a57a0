"""The size check: files, functions, packages' __init__, and the whole; prints the ten largest files."""

from __future__ import annotations

import ast
import io
import statistics
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

FILE, FUNCTION, MEDIAN, WHOLE, POLICY = 500, 50, 120, 15_000, 2_500
ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "claw_lsp"
ENGINE_AND_DOOR = ("facts", "core", "ports.py", "prompts", "engine", "lsp")
"""What the limit of the whole is about; adapters and tools grow with the outside world."""
POLICY_FOLDER = PACKAGE / "core" / "policy"
"""Has a limit of its own: what is known of shells and paths grows with what is tried against it (decision 0014)."""


def main() -> int:
    """Print the ten largest and what is too large; 1 if anything is."""
    sizes = {path: path.read_text("utf-8").count("\n") for path in sorted(PACKAGE.rglob("*.py"))}
    ours = {path: n for path, n in sizes.items() if PACKAGE / "testing" not in path.parents}
    policy = [path for path in ours if POLICY_FOLDER in path.parents]
    door = [it for it in ours if it.relative_to(PACKAGE).parts[0] in ENGINE_AND_DOOR and it not in policy]
    judged = sum(lines_of_code(path.read_text("utf-8")) for path in policy)
    whole = sum(lines_of_code(path.read_text("utf-8")) for path in door)
    median = statistics.median(sizes.values())
    print(
        f"{whole} lines of code in engine and door (at most {WHOLE}); {sum(ours[it] for it in door)} with blank lines,"
    )
    print(f"comments and docstrings; {sum(ours.values())} in all outside testing.")
    print(f"{judged} lines of code in the policy (at most {POLICY}).")
    print(f"The median file has {median:.0f}; the ten largest:")
    for path, n in sorted(sizes.items(), key=lambda it: -it[1])[:10]:
        print(f"{n:6} {path.relative_to(ROOT)}")
    faults = [f"{path.relative_to(ROOT)}: {n} lines, at most {FILE}" for path, n in sizes.items() if n > FILE]
    faults += [fault for path in sizes for fault in _faults(path)]
    faults += [f"claw_lsp: {whole} lines of engine and door, at most {WHOLE}"] if whole > WHOLE else []
    faults += [f"core/policy: {judged} lines, at most {POLICY}"] if judged > POLICY else []
    faults += [f"claw_lsp: the median file has {median:.0f} lines, at most {MEDIAN}"] if median > MEDIAN else []
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


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
