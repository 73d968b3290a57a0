"""Where shell lines come from: a soup of tokens, a grammar, and lines that are known, changed a little."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

_TESTS = Path(__file__).parents[2]
TOKENS = (
    *("ls", "cat", "echo", "git", "status", "diff", "find", "sed", "sort", "grep", "head", "printf", "test", "[", "]"),
    *("[[", "]]", "read", "let", "declare", "export", "eval", "xargs", "touch p", "touch", "p", "rm", "sh", "-c", "-n"),
    *("-e", "-o", "-v", "-exec", "-delete", "{}", "\\;", "+", ";", "&&", "||", "|", "|&", "&", "\n", "\\\n", "\\", "'"),
    *(
        '"',
        "`",
        "$(",
        ")",
        "((",
        "))",
        "$((",
        "<(",
        ">(",
        "<",
        ">",
        ">>",
        ">|",
        "&>",
        "<<",
        "<<-",
        "<<<",
        "EOF",
        "\nEOF\n",
    ),
    *(
        "{",
        "}",
        "{a,b}",
        "$x",
        "${x}",
        "${x@P}",
        "x=",
        "=",
        "a[$(touch p)]",
        "#",
        "!",
        "*",
        "?",
        "~",
        "src/a.py",
        "2>&1",
    ),
    *(".git/hooks/x", "../out/f", "/tmp/out/f", "\t", " ", " ", " ", "-", "--", "if", "then", "else", "fi", "for x in"),
    *(
        "; do",
        "; done",
        "while",
        "case",
        "esac",
        "f()",
        "$'\\n'",
        "$'touch\\x20p'",
        "\r",
        "é",
        "time",
        "link",
        "key",
        "cd",
    ),
)
_EFFECTS = (
    *(
        "touch p",
        "sh -c p",
        "rm -rf src",
        "curl x",
        "git push",
        "npm install",
        "env p",
        "p",
        "eval touch p",
        "\\touch p",
    ),
    *(
        "exec touch p",
        "command touch p",
        "> p",
        ">>.git/config",
        "tee ../out/f",
        "cp list .git/hooks/x",
        "mv src /tmp/out",
    ),
)
"""What no rule set allows, or not all of them do."""
_READS = (
    *(
        "ls",
        "ls -la src",
        "cat src/a.py",
        "echo x",
        "git status",
        "git diff",
        "git log --oneline -3",
        "find . -name '*.py'",
    ),
    *(
        "sed -n 1,3p list",
        "sort list",
        "grep -rn x src",
        "head -n 1 list",
        "printf '%s\\n' x",
        "wc -l list",
        "pwd",
        "true",
    ),
    *(
        "test -f list",
        "[ -f list ]",
        "cut -d/ -f1 list",
        "tr a b",
        "uniq list",
        "npm test",
        "pytest -q",
        "git commit -m x",
    ),
    *(
        "cd src",
        "mkdir d",
        "touch src/p",
        "rm list",
        "cp list d",
        "mv list src",
        "sed -i s/x/y/ list",
        "tee src/o",
        "xargs",
    ),
)
_OPTIONS = (
    *(
        "-o p",
        "-op",
        "--output=p",
        "--output p",
        "-fprint p",
        "-fls p",
        "-exec touch p ;",
        "-exec touch p \\;",
        "-delete",
    ),
    *(
        "--pre=touch",
        "--compress-program=touch",
        "-i",
        "-i.bak",
        "'w p'",
        "'1e touch p'",
        "'s/x/y/w p'",
        "-f list",
        "-P",
    ),
    *(
        "--files0-from=list",
        "-c core.pager=touch",
        "--ext-diff",
        "--textconv",
        "-O touch",
        "-ok touch",
        "-execdir touch p +",
    ),
    *(
        "-v 'a[$(touch p)]'",
        "'a[$(touch p)]'",
        "-t ../out src",
        "-T /tmp/out",
        "-s ../out q",
        "-- key",
        "../out/f",
        "~/q",
    ),
    *(
        "key",
        "link/f",
        ".env",
        ".git/config",
        ".GIT/config",
        ".claude/settings.json",
        "$HOME/q",
        "near/../../out/f",
        "p q",
    ),
)
_WORDS = (
    "src/a.py",
    "list",
    "x",
    "*",
    "src/*.py",
    "a b",
    "-n",
    "$x",
    "${x:-touch}",
    "~",
    "é",
    "p",
    "list p",
    "-",
    "--",
    "..",
)
_BETWEEN = (" && ", " || ", "; ", " | ", " |& ", " & ", "\n", ";", "|", "&", "&&", "\n\n", " ;\n", " #x\n", "\t|\t")
_AROUND = (
    *("$({})", "`{}`", '"$({})"', '"`{}`"', "<({})", ">({})", "$(( a[$({})] ))", "${{x:-$({})}}", "${{x@P}}{}", "({})"),
    *("{{ {}; }}", "if true; then {}; fi", "for x in a b; do {}; done", "while {}; do break; done", "! {}", "time {}"),
    *(
        "case x in x) {};; esac",
        "f() {{ {}; }}; f",
        "x=$({})",
        'x="{}"; $x',
        "x='{}'; eval $x",
        "cat <<EOF\n$({})\nEOF",
    ),
    *(
        "cat <<'EOF'\n{}\nEOF",
        "cat <<-EOF\n\t`{}`\n\tEOF",
        'cat <<< "$({})"',
        "cat <<E\nE\n{}\nE",
        "echo x # {}",
        "'{}'",
    ),
    *(
        '"{}"',
        "timeout 5 {}",
        "nice {}",
        "nohup {}",
        "xargs {}",
        "echo p | xargs {}",
        "bash -c '{}'",
        "env {}",
        "exec {}",
    ),
    *(
        "builtin {}",
        "command {}",
        "coproc {}",
        "trap '{}' EXIT",
        "x=1 {}",
        "PATH=. {}",
        "{} &",
        "until {}; do break; done",
    ),
    *(
        "[[ -f list && $({}) ]]",
        "[[ -v 'a[$({})]' ]]",
        "echo {{a,$({})}}",
        "function f {{ {}; }}; f",
        "select x in a; do {}; done",
    ),
    *(
        "alias ls='{}'\nls",
        "shopt -s expand_aliases\nalias ls='{}'\nls",
        "PS4='$({})'; set -x; ls",
        "echo x | while read x; do {}; done",
    ),
    *(
        "hash -p /usr/bin/touch ls; ls p",
        "compgen -C '{}'",
        "mapfile -C '{} #' -c 1 x < list",
        "set -o posix\nalias ls='{}'\nls",
    ),
    *(
        "git commit -m \"$(cat <<'EOF'\n{}\nEOF\n)\"",
        'git commit -m "x $({})"',
        "find . -exec {} \\;",
        "printf -v 'a[$({})]' x",
    ),
)
_TARGETS = (
    "p",
    "src/p",
    "/dev/null",
    "../out/f",
    "~/.bashrc",
    ".git/config",
    "link/f",
    "$HOME/x",
    "near/p",
    "&2",
    "d/p",
    "*",
    "list",
)
_INSERTED = "\n\r\t\\'\"`$(){}<>|&;#!*?~= \x00\x0b\x7f\u00a0\u2028-[]@:,\ud800"


def lines(random: Random) -> Iterator[str]:
    """Lines without end, always the same for the same seed."""
    corpus = known()
    made: tuple[Callable[[], str], ...] = (
        lambda: soup(random),
        lambda: grammatical(random),
        lambda: changed(random, corpus),
        lambda: changed(random, corpus, grammatical(random)),
    )
    while True:
        yield random.choice(made)()


def known() -> tuple[str, ...]:
    """The lines of the security cases and of our own."""
    found: list[str] = [*_READS]
    for path in (_TESTS / "fixtures" / "security_cases.json", _TESTS / "security" / "own_cases.json"):
        cases = json.loads(path.read_text("utf-8"))
        given = [it["input"]["command"] for it in cases if it["kind"] == "bash"]
        found += [it for it in given if isinstance(it, str)]
    return tuple(found)


def soup(random: Random) -> str:
    """Tokens, with blanks between them or not. The first is mostly a command that is free."""
    n_tokens = random.randint(1, 9)
    tokens = [random.choice(_READS) if random.random() < 0.5 else "", *(random.choice(TOKENS) for _ in range(n_tokens))]
    blank = random.choice((" ", " ", ""))
    return blank.join(tokens)


def grammatical(random: Random, depth: int = 0) -> str:
    """Commands with options and words, lists and what goes around them; now and then one that must not run."""
    n_commands = random.choice((1, 1, 1, 2, 2, 3))
    found = ""
    for at in range(n_commands):
        found += random.choice(_BETWEEN) if at else ""
        found += _command(random, depth)
    return found


def _command(random: Random, depth: int) -> str:
    text = random.choice(_EFFECTS if random.random() < (0.3 if depth else 0.08) else _READS)
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        text += " " + _quoted(random, random.choice(_OPTIONS if random.random() < 0.5 else _WORDS))
    if random.random() < 0.2:
        text += f" {random.choice(('>', '>>', '<', '>|', '&>', '2>', '<>', '>&'))}{random.choice(('', ' '))}{random.choice(_TARGETS)}"
    if depth < 2 and random.random() < 0.25:
        inner = grammatical(random, depth + 1) if random.random() < 0.5 else random.choice(_EFFECTS)
        around = random.choice(_AROUND).format(inner)
        text = f"{text} {around}" if random.random() < 0.6 else around
    return text


def _quoted(random: Random, word: str) -> str:
    match random.randrange(8):
        case 0:
            return f"'{word}'"
        case 1:
            return f'"{word}"'
        case 2:
            at = random.randint(0, len(word))
            return word[:at] + random.choice(("''", '""', "\\", "$''")) + word[at:]
        case _:
            return word


def changed(random: Random, corpus: tuple[str, ...], line: str | None = None) -> str:
    """A known line, or this one, with a few things put in, taken out, doubled, or those of another line."""
    text = random.choice(corpus) if line is None else line
    for _ in range(random.randint(1, 3)):
        at = random.randint(0, len(text))
        end = min(len(text), at + random.randint(1, 6))
        match random.randrange(6):
            case 0:
                text = text[:at] + random.choice(TOKENS) + text[at:]
            case 1:
                text = text[:at] + text[end:]
            case 2:
                text = text[:at] + random.choice(_INSERTED) + text[at:]
            case 3:
                other = random.choice(corpus)
                text = text[:at] + other[random.randint(0, len(other)) :]
            case 4:
                text = text[:at] + random.choice(_AROUND).format(text[at:])
            case _:
                text += random.choice(_BETWEEN) + random.choice(_EFFECTS)
    return text[:400]
