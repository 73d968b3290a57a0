"""Writes tests/fixtures/histories anew: runs of consecutive commits of a git repository, each commit as one prompt.

    python tests/checks/record_histories.py REPOSITORY

Thirty runs of six commits, evenly spread over the first-parent history, whatever they hold: every file that more than one
of them changed, and of each commit one of the others. Of each file only the lines are kept that change during the run, with three lines
around them: the rest has no part in what is in whose way.
"""

from __future__ import annotations

import json
import subprocess
import sys
from difflib import SequenceMatcher
from itertools import accumulate
from pathlib import Path

HISTORIES = Path(__file__).resolve().parents[1] / "fixtures" / "histories"
N_RUNS, N_COMMITS, AROUND = 30, 6, 3
KINDS = (".py", ".md", ".lua", ".ts", ".toml")
LARGEST = 60_000
"""Bytes of a file that is taken."""

Versions = list[tuple[int, str]]
"""What a file holds after some commits of the run, by their number; 0 is before the first."""


def main() -> int:
    repository = Path(sys.argv[1])
    commits = _git(repository, "rev-list", "--reverse", "--first-parent", "HEAD").split()
    HISTORIES.mkdir(exist_ok=True)
    step = (len(commits) - N_COMMITS) / N_RUNS
    for n in range(N_RUNS):
        first = int(n * step) + 1
        files = _files(repository, commits[first : first + N_COMMITS])
        history = _telling({name: _cropped(versions) for name, versions in files.items()})
        text = json.dumps(history, ensure_ascii=False, indent=0, sort_keys=True)
        HISTORIES.joinpath(f"{n + 1:02}.json").write_text(text + "\n", "utf-8")
    return 0


def _telling(files: dict[str, list[list[object]]]) -> dict[str, list[list[object]]]:
    """The files that several commits changed, and of each commit the smallest of the others: nothing is in their way."""
    often = {name: it for name, it in files.items() if len(it) - (it[0][0] == 0) > 1}
    others = sorted((it for it in files.items() if it[0] not in often), key=lambda it: (len(json.dumps(it[1])), it[0]))
    smallest: dict[object, tuple[str, list[list[object]]]] = {}
    for name, versions in others:
        smallest.setdefault(versions[-1][0], (name, versions))
    return often | dict(smallest.values())


def _files(repository: Path, commits: list[str]) -> dict[str, Versions]:
    """The versions of every file that these commits changed; those that a commit deleted are left out."""
    files: dict[str, Versions] = {}
    gone: set[str] = set()
    for n, commit in enumerate(commits, 1):
        changed = _git(repository, "diff-tree", "-r", "--no-renames", "--no-commit-id", "--name-status", commit)
        for kind, name in (line.split("\t") for line in changed.splitlines()):
            if kind == "D" or not name.endswith(KINDS):
                gone |= {name} if kind == "D" else set()
                continue
            if name not in files:
                files[name] = [] if kind == "A" else [(0, _git(repository, "show", f"{commit}^:{name}"))]
            files[name].append((n, _git(repository, "show", f"{commit}:{name}")))
    small = {name: it for name, it in files.items() if all(len(text) < LARGEST for _, text in it)}
    return {name: it for name, it in small.items() if name not in gone}


def _git(repository: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(repository), *words], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def _cropped(versions: Versions) -> list[list[object]]:
    """The versions without the lines that no version changes and that are far from those."""
    tracked = _tracked([text.splitlines(keepends=True) for _, text in versions])
    in_all = set.intersection(*({id_ for id_, _ in lines} for lines in tracked))
    near: set[int] = set()
    for lines in tracked:
        moving = [at for at, (id_, _) in enumerate(lines) if id_ not in in_all]
        # Where lines went away, those around the gap are near.
        kept = [id_ for id_, _ in lines if id_ in in_all]
        for other in tracked:
            kept_there = [id_ for id_, _ in other]
            places = {id_: at for at, id_ in enumerate(kept_there)}
            for before, after in zip(kept, kept[1:], strict=False):
                if places[after] - places[before] != 1:
                    around = kept.index(before)
                    near |= set(kept[max(0, around - AROUND + 1) : around + 1 + AROUND])
        for at in moving:
            near |= {id_ for id_, _ in lines[max(0, at - AROUND) : at + AROUND + 1]}
        if kept and lines:
            near |= {id_ for id_, _ in (*lines[:1], *lines[-1:]) if id_ in in_all}
    texts = ["".join(line for id_, line in lines if id_ not in in_all or id_ in near) for lines in tracked]
    numbers = [n for n, _ in versions]
    first = [[numbers[0], [[0, 0, texts[0]]]]]
    return first + [[n, _edits(*pair)] for n, *pair in zip(numbers[1:], texts, texts[1:], strict=False)]


def _edits(before: str, after: str) -> list[list[object]]:
    """Whole lines of the one text, from offset to offset, and what stands in their place in the other."""
    old, new = (it.splitlines(keepends=True) for it in (before, after))
    ends = [0, *accumulate(map(len, old))]
    changes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [[ends[i], ends[i_end], "".join(new[j:j_end])] for kind, i, i_end, j, j_end in changes if kind != "equal"]


def _tracked(versions: list[list[str]]) -> list[list[tuple[int, str]]]:
    """Every version's lines, each with a number that it keeps from one to the next."""
    fresh = iter(range(10_000_000))
    tracked = [[(next(fresh), line) for line in versions[0]]]
    for before, after in zip(versions, versions[1:], strict=False):
        now: list[tuple[int, str]] = []
        for kind, i, i_end, j, j_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            same = tracked[-1][i:i_end] if kind == "equal" else [(next(fresh), line) for line in after[j:j_end]]
            now += same
        tracked.append(now)
    return tracked


if __name__ == "__main__":
    sys.exit(main())
