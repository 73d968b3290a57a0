"""Shell lines and what they come to: what is free, what a rule carries, what is asked and what a deny rule finds."""

from __future__ import annotations

import pytest

from claw_lsp.core.policy.judge import judge
from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.policy.shell import files_named
from claw_lsp.facts.call import Call
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.rule import Mode, Rule, Verdict
from claw_lsp.facts.scene import Ground

GROUND = Ground(("/ws",), "/ws", "/home/u")

FREE = """
ls
ls -la src
ls *.py
cat a.py b.py
head -n 20 a.py
head -20 a.py
tail -5 a.py
wc -l a.py
echo hello world
echo 'a; rm -rf /' "b && c"
printf '%s\\n' a
grep -rn "a|b" src
grep -n -A 3 needle a.py
rg -n --glob '*.py' needle src
rg needle | head -5
find . -name '*.py' -type f
find src -maxdepth 2 -not -name x
sed -n 1,20p a.py
sed -n '5,$p' a.py
sort -u -k 2 a.txt
sort a.txt | uniq -c | sort -rn | head
cut -d , -f 1 a.csv
diff -u a.py b.py
git status
git status --short --branch
git diff --stat
git diff HEAD~1 -- a.py
git log --oneline -10
git log -n 3 --format=%h
git show HEAD:a.py
git branch --show-current
git rev-parse --short HEAD
git ls-files | wc -l
git blame a.py
cd src && ls && cat a.py
cd src; wc -l a.py
pwd
date +%Y
command -v python3
which node
python3 --version
stat a.py
du -sh src
tree -L 2 src
ls 2>/dev/null
ls > /dev/null 2>&1
cat a.py 2>&1 | head
! grep -q x a.py
true && echo yes || echo no
ls # a comment; rm x
cd a && cd b && ls
cat <<< x
echo "$(id)"
(ls)
{ ls; }
if true; then ls; fi
for i in a; do ls; done
[ -f a.py ]
[[ -f a.py ]]
A=b
""".strip().split("\n")

ASKED = """
./ls
/bin/ls
ls ..
cat /etc/passwd
cat ~/.bashrc
cat .env
cat *.py
grep x *
grep -R x .
grep -f /etc/passwd x
rg --pre cat x
rg -z x
rg --hostname-bin=x y
tail -f log
find . -delete
find . -exec cat {} ;
find . -fprintf x y
find . -L
find -files0-from x
sed 's/a/b/' a.py
sed -i 1d a.py
sed -n '1w x' a.py
sed -n -e 1p a.py
sort -o x a.txt
sort --output=x a.txt
sort --compress-program=sh a.txt
sort *
uniq a b
tree -o x
file -C
date -s 2020
git -c x=y status
git -C sub status
git diff --output=x
git diff --ext-diff
git log --textconv
git branch x
git branch -D x
git tag x
git remote add x y
git push
git grep -O x
cd src && git status
cd
cd -
cd ..
cd /etc
env
printenv
export A=b
A=b ls
CI=1 ls
ls > out
ls >> out
ls &> out
ls >| out
cat < ~/x
cat <<E
echo $HOME
echo `id`
echo a{b,c}
echo ~
ls $(id)
ls & x
x() { ls; }; x
test -v 'a[$(id)]'
printf -v 'a[$(id)]' x
let x=1
eval ls
source a.sh
. a.sh
exec ls
xargs ls
time -o x ls
command -p ls
awk '{print}' a
jq . a.json
history
kill 1
sleep 100000
""".strip().split("\n")


@pytest.mark.parametrize("line", FREE)
def test_what_only_reads_is_free_in_every_mode(line: str) -> None:
    for mode in Mode:
        assert decided(line, mode=mode).decision == "allow", line


@pytest.mark.parametrize("line", ASKED)
def test_what_does_more_is_asked(line: str) -> None:
    assert decided(line).decision == "ask"


@pytest.mark.parametrize(
    ("rule", "line", "decision"),
    [
        ("npm test *", "npm test", "allow"),
        ("npm test:*", "npm test -- a b", "allow"),
        ("npm test*", "npm tests", "allow"),
        ("npm test *", "npm tests", "ask"),
        ("npm test", "npm test a", "ask"),
        ("npm * test", "npm --silent run test", "allow"),
        ("npm run *:test", "npm run a:test", "allow"),
        ("npm run * x", 'npm run "a b" x', "allow"),
        ("npm run a b", 'npm run "a b"', "ask"),
        ("npm test *", "timeout 5 npm test", "allow"),
        ("npm test *", "timeout -k 3 5 npm test", "ask"),
        ("npm test *", "timeout --kill-after=3 5 npm test", "allow"),
        ("npm test *", "time -p nice -n5 nohup npm test x", "allow"),
        ("npm test *", "sudo npm test", "ask"),
        ("npm test *", "env npm test", "ask"),
        ("npm test *", "watch npm test", "ask"),
        ("npm test *", "NODE_ENV=test CI=1 npm test", "allow"),
        ("npm test *", "NODE_OPTIONS=--require=./x npm test", "ask"),
        ("npm test *", "CI=$(id) npm test", "ask"),
        ("npm test *", "cd sub && npm test", "allow"),
        ("npm test *", "npm test > out", "ask"),
        ("npm test *", "npm test 2>&1 | tail -5", "allow"),
        ("npm test *", "npm test | sh", "ask"),
        ("npm test *", "npm test; npm install", "ask"),
        ("npm test *", "npm test $X", "ask"),
        ("npm test *", "npm test ../other", "ask"),
        ("npm *", "echo x | xargs npm test", "allow"),
        ("npm test", "echo x | xargs npm test", "ask"),
        ("npm *", "xargs -I{} npm test", "ask"),
        ("find *", "find . -exec id +", "ask"),
        ("go *", "go test -exec ./x a", "ask"),
        ("printf *", "printf -v 'a[$(id)]' x", "ask"),
        ("*", "make all && ./deploy", "allow"),
        ("*", 'make "$X"', "ask"),
        ("git commit *", "git commit -m 'a; b'", "allow"),
    ],
)
def test_an_allow_rule_carries_its_parts_and_no_others(rule: str, line: str, decision: str) -> None:
    assert decided(line, allow=[rule]).decision == decision


@pytest.mark.parametrize(
    "line",
    [
        "curl x",
        "/usr/bin/curl x",
        "ls && curl x",
        "ls | curl x",
        "A=b curl x",
        "sudo -u x curl y",
        "timeout -s 9 5 env -i curl x",
        "bash -c 'curl x'",
        'sh -ec "ls; curl x"',
        "eval curl x",
        "find . -exec curl {} +",
        "xargs -n 1 curl",
        'echo "$(curl x)"',
        "echo `curl x`",
        "cat <(curl x)",
        "f() { curl x; }",
        "if true; then curl x; fi",
        "'cu'rl x",
        "cu\\rl x",
        "\\curl x",
        "ls \\\r\ncurl x",
        "cat <<E\n$(curl x)\nE",
        "time curl x",
        "watch 'curl x'",
        "! curl x",
        "(curl x)",
        "curl x &",
    ],
)
def test_a_deny_rule_finds_its_command_wherever_it_stands(line: str) -> None:
    assert decided(line, allow=["*"], deny=["curl *"], mode=Mode.BYPASS).decision == "deny"


@pytest.mark.parametrize("line", ["echo curl", "grep 'curl x' a", "echo 'ls; curl x'", "pytest -k curl"])
def test_a_deny_rule_leaves_words_that_are_no_command_alone(line: str) -> None:
    assert decided(line, allow=["*"], deny=["curl *"]).decision == "allow"


READ_IN_PART = ["$RUN rm a", "rm$IFS-rf a", "f() { rm a; }; f", "echo 'no end; rm a"]


@pytest.mark.parametrize("line", READ_IN_PART)
def test_what_may_delete_and_is_not_read_whole_is_asked_in_every_mode(line: str) -> None:
    assert decided(line, allow=["*"], mode=Mode.BYPASS).decision == "ask"


def test_in_plan_mode_a_rule_carries_no_command_that_may_change_something() -> None:
    assert decided("touch a", allow=["*"]).decision == "allow"
    assert decided("touch a", allow=["*"], mode=Mode.PLAN).decision == "ask"
    assert decided("ls", mode=Mode.PLAN).decision == "allow"


def test_each_part_may_be_carried_by_a_rule_of_its_own_and_the_reason_names_them() -> None:
    verdict = decided("npm test && make lint", allow=["npm test *", "make *"])
    assert (verdict.decision, verdict.rule) == ("allow", "Bash(npm test *)")
    assert "Bash(make *) from session" in verdict.reason
    assert decided("npm test && make lint", allow=["npm test *"]).reason == "no rule decides make lint"


def test_a_link_that_leads_out_of_the_workspace_is_asked() -> None:
    leads = {"/ws/notes": "/home/u/.ssh/id_rsa"}
    named = files_named(read_line("cat notes"), GROUND)
    assert named == ("/ws", "/ws/notes")
    paths = tuple(PlannedPath(it, leads.get(it, it)) for it in named)
    plan = Plan(Call(id="c", name="Bash", input={}), Reach.RUN, "t", paths=paths, command="cat notes")
    assert judge([], Mode.DEFAULT, plan, GROUND).decision == "ask"


def test_files_are_looked_for_where_a_line_has_moved_to() -> None:
    assert files_named(read_line("cat $x"), GROUND) == ()
    assert files_named(read_line("npm test && cat a --x=b"), GROUND) == ()
    assert files_named(read_line("npm test && cat a"), GROUND) == ("/ws", "/ws/a")
    assert set(files_named(read_line("cd sub && cat a"), GROUND)) == {"/ws", "/ws/sub", "/ws/sub/a"}
    either = {"/ws", "/ws/sub", "/ws/sub/a", "/ws/a"}
    assert set(files_named(read_line("cd sub; cat a"), GROUND)) == either


def decided(line: str, *, allow: list[str] = [], deny: list[str] = [], mode: Mode = Mode.DEFAULT) -> Verdict:  # noqa: B006
    rules = [Rule(text=f"Bash({it})", behavior="allow") for it in allow]
    rules += [Rule(text=f"Bash({it})", behavior="deny") for it in deny]
    return judge(rules, mode, Plan(Call(id="c", name="Bash", input={}), Reach.RUN, "t", command=line), GROUND)
