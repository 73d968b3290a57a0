"""Commands that only read, by name and options: nobody is asked about them inside the workspace.

A command is here with the options that it may have. One that is missing costs a question; one too many costs more, so
options that write, run something or read a list of files are left out, and no abbreviation counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from claw_lsp.core.policy.words import START, Part, Word, harmless


@dataclass(frozen=True, slots=True)
class Options:
    """What a command may be given. `short` letters stand alone, `valued` ones take the rest of their word or the next
    word; `long` are whole names, with `=` or without. `names_only` says that no content of a file is shown and no
    option does harm, so that patterns may stand for its files, whatever they are called. `says`: its words are only
    printed, so that they may be put together when it runs. `most` is how many words beside options it may have."""

    short: str = ""
    valued: str = ""
    long: str = ""
    names_only: bool = False
    most: int = 1000
    says: bool = False

    def fit(self, words: tuple[Word, ...]) -> bool:
        n_plain, rest = 0, list(words)
        known = frozenset(self.long.split())
        while rest:
            word = rest.pop(0)
            text = word.text
            if self.says and only_text(word):
                continue
            if not word.sure or (word.glob and not self.names_only):
                return False
            if text == "--":
                n_plain += len(rest)
                return n_plain <= self.most and all(it.sure and (self.names_only or not it.glob) for it in rest)
            if text.startswith("--"):
                if text[2:].partition("=")[0] not in known:
                    return False
            elif text.startswith("-") and text != "-":
                if not self._letters(text[1:], rest):
                    return False
            else:
                n_plain += 1
        return n_plain <= self.most

    def _letters(self, letters: str, rest: list[Word]) -> bool:
        """Whether these short options are known; a value in the next word is taken off it."""
        for at, letter in enumerate(letters):
            if letter in self.valued:
                if at == len(letters) - 1:
                    return bool(rest) and rest[0].sure and not rest.pop(0).glob
                return True
            if letter not in self.short:
                return False
        return True


def only_text(word: Word) -> bool:
    """Whether a word is put together when it runs, of what the line itself says: it shows no variable of the environment."""
    return not word.sure and word.single and not word.glob and not _ENVIRONMENT.search(word.text)


def only_reads(part: Part) -> bool:
    """Whether this command does nothing but read files that its words name, or sets variables of the line's own."""
    if not part.words:
        return all(harmless(name) and not value.glob for name, value in part.assignments)
    if part.assignments or not part.words[0].sure or part.words[0].glob or None in part.folders:
        return False
    program, words = part.words[0].text, part.words[1:]
    if len(words) == 1 and words[0].text == "--version":
        return program in _VERSIONED
    if program == "git":
        return part.folders == START and _git(words)
    if program in ("[", "[[", "test"):
        return _tests(words[:-1] if program != "test" else words)
    if program == "printf":
        return not words or (
            words[0].sure and not words[0].glob and not words[0].text.startswith("-") and _printed(words)
        )
    if program in _OTHERS:
        return all(it.sure and not it.glob for it in words) and _OTHERS[program](tuple(it.text for it in words))
    options = _OPTIONS.get(program)
    return options is not None and options.fit(words)


def _git(words: tuple[Word, ...]) -> bool:
    """Subcommands that show. Options before the subcommand can set a command to run, so there are none."""
    if not words or words[0].text not in _GIT:
        return False
    return _GIT[words[0].text].fit(words[1:])


def _find(words: tuple[str, ...]) -> bool:
    return all(not it.startswith("-") or it in _FIND or it == "-" for it in words)


def _sed(words: tuple[str, ...]) -> bool:
    """Lines by number, and nothing else: a script can write files and run commands."""
    return (
        len(words) >= 2 and words[0] == "-n" and bool(re.fullmatch(r"\d+(,(\d+|\$))?p", words[1])) and _plain(words[2:])
    )


def _tests(words: tuple[Word, ...]) -> bool:
    """One question about a file or two texts. `-v` evaluates a name, and so do numbers that are none."""
    words = words[1:] if words and words[0].sure and words[0].text == "!" else words
    if any(it.glob or not (it.sure or it.single) for it in words):
        return False
    match [it.text if it.sure else None for it in words]:
        case [str() as how, _]:
            return how in _ASKED_OF_ONE
        case [one, str() as how, other]:
            numbers = all(it in ("$?", "$#") or (it or "").isdigit() for it in (one or words[0].text, other))
            return how in _ASKED_OF_TWO or (how in _COMPARES and numbers)
        case _:
            return False


def _printed(words: tuple[Word, ...]) -> bool:
    return all((it.sure and not it.glob) or only_text(it) for it in words[1:])


def _plain(words: tuple[str, ...]) -> bool:
    return not any(it.startswith("-") for it in words)


def _cd(words: tuple[str, ...]) -> bool:
    return len(words) == 1 and _plain(words) and words[0] != ""


def _looks_up(words: tuple[str, ...]) -> bool:
    return len(words) >= 2 and words[0] in ("-v", "-V") and _plain(words[1:])


def _hears(words: tuple[str, ...]) -> bool:
    return words[:1] == ("-r",) and all(map(harmless, words[1:]))


def _sets(words: tuple[str, ...]) -> bool:
    return bool(words) and all(re.fullmatch(r"-[eux]*o?|-o|pipefail", it) for it in words)


def _asks_time(words: tuple[str, ...]) -> bool:
    return all(it.startswith("+") or it in ("-u", "-R", "-I", "--utc", "--rfc-email") for it in words)


_ENVIRONMENT: Final = re.compile(r"\$\{?[A-Z_]")
_ASKED_OF_ONE: Final = frozenset("-e -f -d -s -r -w -x -L -h -n -z -b -c -p -S".split())
_ASKED_OF_TWO: Final = frozenset("= == != -nt -ot -ef".split())
_COMPARES: Final = frozenset("-eq -ne -lt -le -gt -ge".split())
_OTHERS: Final[dict[str, Callable[[tuple[str, ...]], bool]]] = {
    "find": _find,
    "sed": _sed,
    "cd": _cd,
    "command": _looks_up,
    "read": _hears,
    "set": _sets,
    ":": _plain,
    "wait": lambda words: not words,
    "exit": lambda words: not words or (len(words) == 1 and words[0].isdigit()),
    "break": lambda words: not words,
    "continue": lambda words: not words,
    "date": _asks_time,
    "type": _plain,
    "which": _plain,
    "true": lambda words: True,
    "false": lambda words: True,
    "pwd": lambda words: set(words) <= {"-P", "-L"},
    "whoami": lambda words: not words,
    "nproc": lambda words: not words,
    "hostname": lambda words: not words,
}
_FIND: Final = frozenset(
    """-name -iname -path -ipath -wholename -iwholename -regex -iregex -regextype -type -size -empty -newer -mtime -mmin
    -ctime -cmin -atime -amin -perm -user -group -uid -gid -links -maxdepth -mindepth -depth -xdev -mount -daystart -prune
    -print -print0 -ls -quit -not -o -or -a -and -true -false -readable -writable -executable -noleaf -P""".split()
)
_LISTS: Final = Options(
    "aAbBcCdfFgGhHiklLmnNopqQrRsStuUvxXZ1",
    "IwT",
    "all almost-all color full-time human-readable "
    "inode recursive reverse size sort time time-style group-directories-first classify indicator-style ignore hide",
    True,
)
_HASH: Final = Options("btz", "", "binary text zero tag")
_GREP: Final = Options(
    "EFGPivwxcLlmnbHhoqsarIUzTy",
    "eABCm",
    """extended-regexp fixed-strings basic-regexp perl-regexp regexp ignore-case no-ignore-case invert-match word-regexp
    line-regexp count color colour files-with-matches files-without-match max-count only-matching quiet silent no-messages
    byte-offset with-filename no-filename line-number initial-tab null after-context before-context context text recursive
    include exclude exclude-dir binary-files null-data""",
)
_RG: Final = Options(
    "abcFHiIlnNopPqsSUvwxu0",
    "ABCeEgjmtTdM",
    """after-context before-context context case-sensitive column color count count-matches files files-with-matches
    files-without-match fixed-strings glob heading hidden iglob ignore-case invert-match line-number line-regexp max-columns
    max-count max-depth max-filesize multiline multiline-dotall no-filename no-heading no-ignore no-line-number
    no-messages null only-matching pcre2 quiet regexp smart-case sort sortr stats text trim type type-list type-not
    unrestricted vimgrep with-filename word-regexp json""",
)
_OPTIONS: Final[dict[str, Options]] = {
    "ls": _LISTS,
    "cat": Options("AbeEnstTuv", "", "number number-nonblank show-all show-ends show-tabs squeeze-blank"),
    "head": Options("qvz0123456789", "nc", "lines bytes quiet silent verbose"),
    "tail": Options("qvz0123456789", "nc", "lines bytes quiet silent verbose"),
    "wc": Options("clmLw", "", "bytes chars lines words max-line-length", True),
    "echo": Options("neE", "", "", True, says=True),
    "grep": _GREP,
    "egrep": _GREP,
    "fgrep": _GREP,
    "rg": _RG,
    "nl": Options("p", "bdfhilnsvw", ""),
    "tac": Options("br", "s", ""),
    "rev": Options(),
    "cut": Options("sz", "bcdfn", "bytes characters delimiter fields complement only-delimited output-delimiter"),
    "tr": Options("cCdst", "", "complement delete squeeze-repeats"),
    "uniq": Options("cdDiuz", "fsw", "count repeated unique ignore-case", most=1),
    "sort": Options(
        "bdfghiMnRrVcCmsuz",
        "kt",
        "numeric-sort reverse unique key field-separator human-numeric-sort version-sort stable check ignore-case",
    ),
    "comm": Options("123z"),
    "fold": Options("bs", "w"),
    "column": Options("tnx", "sco"),
    "diff": Options(
        "abBcdeEinNpqrstuwy",
        "UCWx",
        "unified brief recursive ignore-all-space ignore-space-change side-by-side exclude color context new-file",
    ),
    "cmp": Options("bls", "in"),
    "stat": Options("tL", "cf", "format printf terse", True),
    "du": Options("abchkmsxS", "dt", "all bytes total human-readable max-depth summarize apparent-size", True),
    "df": Options("ahHikTP", "t", "human-readable all", True),
    "file": Options("biLhN"),
    "tree": Options("adfipsughDFtrCnN", "LIP", "noreport dirsfirst gitignore prune"),
    "basename": Options("az", "s", "", True),
    "dirname": Options("z", "", "", True),
    "realpath": Options("eLmPsqz", "", "relative-to relative-base", True),
    "readlink": Options("fenqsvz", "", "", True),
    "id": Options("ugGnrz"),
    "uname": Options("asnrvmpio"),
    "md5sum": _HASH,
    "sha1sum": _HASH,
    "sha256sum": _HASH,
    "sha512sum": _HASH,
}
_LOG: Final = """oneline stat name-only name-status graph all decorate no-decorate no-color numstat shortstat summary patch
    no-patch since until after before author committer grep format pretty max-count follow reverse first-parent merges
    no-merges abbrev-commit date word-diff unified ignore-space-change ignore-all-space ignore-blank-lines raw minimal
    patience histogram diff-filter no-renames find-renames color-words no-ext-diff no-textconv exit-code check quiet"""
_SHOWS: Final = Options("pusqwbrMz0123456789", "nUSGL", _LOG)
_GIT: Final[dict[str, Options]] = {
    "status": Options(
        "sbvzu", "", "short branch porcelain long verbose untracked-files ignored show-stash ahead-behind"
    ),
    "diff": Options(_SHOWS.short, _SHOWS.valued, _LOG + " cached staged merge-base"),
    "log": _SHOWS,
    "show": _SHOWS,
    "blame": Options("wlsefnpc", "LMC", "porcelain line-porcelain show-email date"),
    "branch": Options("arv", "", "all remotes list show-current verbose no-color", most=0),
    "tag": Options("l", "", "list", most=0),
    "remote": Options("v", "", "verbose", most=0),
    "rev-parse": Options(
        "q", "", "abbrev-ref short verify show-toplevel git-dir is-inside-work-tree show-prefix quiet"
    ),
    "ls-files": Options("cdmostuz", "x", "cached deleted modified others stage exclude-standard full-name"),
    "ls-tree": Options("drtlz", "", "name-only full-name long"),
    "rev-list": Options("", "n", "count all max-count since until author no-merges merges first-parent"),
    "describe": Options("", "", "tags all long always dirty abbrev"),
    "shortlog": Options("nse", "", "numbered summary email"),
}
_VERSIONED: Final = frozenset(
    "python python3 node npm pnpm yarn bun deno cargo rustc go java javac gcc g++ clang make cmake git pip uv ruff ruby "
    "bundle php perl dotnet mypy pytest rg docker kubectl".split()
)
