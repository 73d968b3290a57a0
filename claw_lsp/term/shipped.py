"""Files that are shipped and are not code: in a wheel they lie inside the package, in a checkout beside it."""

from __future__ import annotations

from pathlib import Path

import claw_lsp


def shipped(name: str) -> Path:
    """The folder or file `name` (`samples`, `editors`). Raises FileNotFoundError: the installation is broken."""
    package = Path(claw_lsp.__file__).parent
    for found in (package / name, package.parent / name):
        if found.exists():
            return found
    raise FileNotFoundError(f"{name} is missing beside {package}: install claw-lsp again.")
