"""The sample project of the demo: a shopping basket with one fault and a test that finds it."""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from claw_lsp.term.shipped import shipped

TYPED = "# Ask Ana: do we ship abroad?\n"
"""What the person has typed and not saved when the demo begins; it must be there in the end."""

COMMAND = f"{shlex.quote(sys.executable)} -m unittest"
"""How the sample's tests are run, by the agent and by us."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What the sample's tests said. `complaint` is the first failed assertion, "" when there is none."""

    passed: bool
    output: str
    complaint: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A copy of the sample. `source` is the file with the fault, `test` the file that finds it."""

    folder: Path

    @property
    def source(self) -> Path:
        return self.folder / "basket" / "totals.py"

    @property
    def test(self) -> Path:
        return self.folder / "tests" / "test_totals.py"

    def line_of_fault(self) -> int:
        """From 0, of what is on disk."""
        lines = self.source.read_text("utf-8").splitlines()
        return next(n for n, line in enumerate(lines) if "sum(" in line)


def copied(folder: Path) -> Sample:
    """A copy of the sample in `folder`, which is made."""
    shutil.copytree(shipped("samples") / "basket", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return Sample(folder)


async def tested(sample: Sample) -> Tested:
    """Run the sample's tests on what is on disk."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-B", "-m", "unittest"),
        cwd=sample.folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode(errors="replace")
    failed = re.search(r"^(?:FAIL|ERROR): (\w+)", output, re.MULTILINE)
    error = re.search(r"^\w*Error: (.*)", output, re.MULTILINE)
    complaint = f"{failed[1]} fails: {error[1]}" if failed and error else ""
    return Tested(process.returncode == 0, output, complaint)
