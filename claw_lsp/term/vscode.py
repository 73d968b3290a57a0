"""Building the VS Code extension from a clone, and putting it into VS Code by VS Code's own command line."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

VSIX = "claw-lsp.vsix"
PROGRAMS = ("code", "codium", "code-insiders", "code-server")
"""What the command line of a VS Code is called."""
STEPS = (("npm", "install", "--no-audit", "--no-fund", "--no-package-lock"), ("npm", "run", "package"))


def install(folder: Path, environment: Mapping[str, str]) -> str:
    """Build the extension in `folder` and install it; answers in a sentence what was done, or why it was not."""
    path = environment.get("PATH", "")
    editor = next((found for it in PROGRAMS if (found := shutil.which(it, path=path))), None)
    lacking = [
        *([] if (folder / "package.json").exists() else ["the sources of the extension (they are in a clone)"]),
        *([] if editor else ["VS Code's command line `code` on PATH"]),
        *([] if shutil.which("npm", path=path) else ["npm on PATH"]),
    ]
    if editor is None or lacking:
        return f"The extension was not installed: it needs {' and '.join(lacking)}. Install it by hand as said above."
    for argv in (*STEPS, (editor, "--install-extension", str(folder / VSIX), "--force")):
        program = shutil.which(argv[0], path=path) or argv[0]
        done = subprocess.run(
            [program, *argv[1:]],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            last = "\n".join(done.stdout.strip().splitlines()[-8:])
            return f"The extension was not installed: `{' '.join(argv)}` failed in {folder}:\n{last}"
    return f"The extension was built and installed with {editor}. Reload the windows that are open."
