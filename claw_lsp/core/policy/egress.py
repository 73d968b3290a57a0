"""The rule of three: a session that holds text of strangers and private data sends to a new host only when a person says so.

What others wrote may tell the model to send away what it has read. Which text does so cannot be told; so once both are
there, every host is asked about that the person did not name: not in their own words, not by a rule of theirs that has
this very host in it, and not by a yes to a call that was shown to reach it. Rules with an open end allow none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from claw_lsp.core.policy import hosts
from claw_lsp.core.policy.free import only_reads
from claw_lsp.core.policy.paths import inside
from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.policy.words import Part
from claw_lsp.core.policy.wrappers import inner
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.facts.scene import Ground

UNREADABLE: Final = ""
"""A host that cannot be read from a command; it is never a known one."""


def asked(rules: Iterable[Rule], mode: Mode, plan: Plan, ground: Ground) -> str | None:
    """Why the person must be asked before this is sent, None where they need not be. Nobody is in bypassPermissions."""
    seen = ground.exposure
    holds_both = bool(seen.untrusted) and (seen.private or plan.reach is Reach.RUN)
    if mode is Mode.BYPASS or not holds_both:
        return None
    named = seen.known.union(
        *(hosts_named(it.text) for it in rules if it.behavior == "allow" and it.source != "project")
    )
    new = next((it for it in destinations(plan) if it not in named), None)
    if new is None:
        return None
    where = f"to {new}, which you have not named" if new else "to a host that cannot be read from it"
    return f"it sends {where}, and this session holds text from {seen.untrusted[-1]} beside files of yours"


def destinations(plan: Plan) -> tuple[str, ...]:
    """The hosts that a plan sends to, as far as its words say; UNREADABLE for one that they hide. This machine is none."""
    found: Iterable[str] = ()
    if plan.url is not None:
        found = (hosts.host_of(plan.url) or UNREADABLE,)
    elif plan.command is not None:
        found = _of_line(plan.command)
    return tuple(it for it in dict.fromkeys(found) if it not in _HERE and not it.endswith(".localhost"))


def met(plan: Plan, ground: Ground) -> tuple[str, ...]:
    """Where the text that comes of a plan was written by others: hosts and tools, files outside the workspace, and what was
    installed into it."""
    if plan.reach is Reach.FETCH:
        return (hosts.host_of(plan.url) or plan.call.name,)
    if plan.source:
        return (plan.source,)
    if plan.reach not in (Reach.READ, Reach.RUN):
        return ()
    sent = tuple(it or plan.call.name for it in destinations(plan))
    return (*sent, *(it.path for it in plan.paths if _foreign(it.target, ground.roots)))


def hosts_named(text: str) -> frozenset[str]:
    """The hosts in a text, as people write them: in an address, or by a name with dots that is not a file's."""
    found = [hosts.host_of(it[0]) for it in _ADDRESS.finditer(text)]
    bare = [hosts.written(it[0]) for it in _NAME.finditer(_ADDRESS.sub(" ", text)) if not _FILE.search(it[0])]
    return frozenset(it for it in (*found, *bare) if it)


def _foreign(path: str, roots: tuple[str, ...]) -> bool:
    return not inside(path, roots) or not _INSTALLED.isdisjoint(path.split("/"))


def _of_line(command: str) -> Iterator[str]:
    line = read_line(command)
    found = [it for part in inner(line) for it in _of_part(part)]
    yield from found
    if found and any(it.program in ("xargs", "parallel") for it in line.parts):
        # More words come from what it reads.
        yield UNREADABLE
    for it in line.redirects:
        if device := _DEVICE.match(it.target.text):
            yield hosts.written(device[1]) or UNREADABLE
    if line.unread and _SENDER.search(command):
        yield UNREADABLE


def _of_part(part: Part) -> Iterator[str]:
    texts = [it.text for it in part.words[1:]]
    sends = part.program != "git" or not _GIT_SENDS.isdisjoint(texts)
    if sends and (hides := _HIDES.get(part.program)) and any(hides.fullmatch(it) for it in texts):
        yield UNREADABLE
    if part.program in _TALKS:
        found = list(_spoken_to(part))
        yield from found or [UNREADABLE]
    elif part.program in _COPIES:
        yield from (_host(it.partition(":")[0]) for it in texts if _REMOTE.match(it))
    elif part.program in _SERVICES and (not _SERVICES[part.program][1] or _SERVICES[part.program][1] in texts):
        yield _SERVICES[part.program][0]
    elif part.program == "git" and sends:
        yield from (_host(it.partition(":")[0]) for it in texts if _GIT_REMOTE.match(it))
    elif part.program == "go" and not _GO_SENDS.isdisjoint(texts):
        yield from (_host(it.partition("/")[0]) for it in texts if _GO_MODULE.match(it))
    if not only_reads(part) and (sends or _GIT_TELLS.isdisjoint(texts)):
        values = [it.text for _, it in part.assignments]
        yield from (hosts.host_of(it[0]) or UNREADABLE for text in (*texts, *values) for it in _ADDRESS.finditer(text))


def _spoken_to(part: Part) -> Iterator[str]:
    """The hosts among the words of a program that is given hosts: every word may be one that looks like it."""
    takes_value = _WITH_VALUE.get(part.program)
    before = ""
    for word in part.words[1:]:
        if takes_value and takes_value.fullmatch(before):
            before = ""
            continue
        before = word.text
        if not word.sure or word.glob:
            yield UNREADABLE
        elif bare := _BARE.fullmatch(word.text):
            yield (hosts.host_of(word.text) or UNREADABLE) if "://" in word.text else _host(bare[1])
        elif not word.text.startswith("-") and part.program not in _TOLD_WORK:
            yield UNREADABLE


def _host(text: str) -> str:
    return hosts.written(text.rpartition("@")[2].strip("[]")) or UNREADABLE


_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_INSTALLED: Final = frozenset(
    "node_modules bower_components site-packages dist-packages vendor third_party .venv venv .tox".split()
)
"""Folders inside a workspace whose files others wrote."""
_TALKS: Final = frozenset(
    """curl wget aria2c http https xh httpie nc ncat netcat telnet ftp sftp lftp ssh mosh ping ping6 dig drill nslookup host whois
    traceroute tracepath mtr finger socat lynx w3m links elinks axel getent resolvectl mysql psql redis-cli mongosh
    smbclient""".split()
)
"""Programs that are told a host by a bare word."""
_TOLD_WORK: Final = frozenset("ssh mosh nc ncat netcat mysql psql redis-cli mongosh smbclient ftp sftp lftp".split())
"""Those of them that are told by other words what to do there."""
_COPIES: Final = frozenset({"scp", "rsync", "openssl", "rclone"})
"""Programs for which `host:` begins what lies elsewhere."""
_SERVICES: Final[dict[str, tuple[str, str]]] = {
    "gh": ("github.com", ""),
    "glab": ("gitlab.com", ""),
    **{
        it: (it, "")
        for it in "aws gcloud gsutil az heroku vercel netlify wrangler firebase flyctl mail sendmail".split()
    },
    **{it: (it, "publish") for it in "npm pnpm yarn bun cargo uv poetry".split()},
    **{it: (it, "push") for it in "docker podman gem helm".split()},
    "twine": ("twine", "upload"),
}
"""Programs that know where to send by themselves, the word with which they do so, and what that place is called here."""
_GIT_SENDS: Final = frozenset("push fetch pull clone ls-remote remote submodule archive config".split())
_GO_SENDS: Final = frozenset({"get", "install", "run", "list", "mod"})
_GIT_TELLS: Final = frozenset({"commit", "tag", "notes", "merge", "log", "grep"})
"""What git is told with these may speak of an address without going there."""
_WITH_VALUE: Final[dict[str, re.Pattern[str]]] = {
    "curl": re.compile(
        r"-[fgGiIjkLnNpqRsSv]*[odHXAebcFTumw]|--(output|data|data-raw|data-binary|data-urlencode|json|header|request"
        r"|user-agent|referer|cookie|cookie-jar|form|upload-file|user|max-time|write-out|connect-timeout|retry)"
    ),
    "wget": re.compile(r"-[qcNvS]*[OoPU]|--(output-document|output-file|directory-prefix|post-data|post-file)"),
}
"""Options whose value, the next word, names no host."""
_HIDES: Final[dict[str, re.Pattern[str]]] = {
    "curl": re.compile(
        r"-[a-zA-Z]*x.+|-K.*|--(proxy|preproxy|socks.*|resolve|connect-to|url|doh-url|config|haproxy.*|expand-.*)(=.*)?"
    ),
    "git": re.compile(r"-c.*|--(config|upload-pack|receive-pack|exec).*|[\w-]+::.*", re.DOTALL),
    "wget": re.compile(r"-[ei].*|--(execute|input-file|config|base).*"),
    **dict.fromkeys(("ssh", "sftp", "scp"), re.compile(r"-[oJFS].*")),
    "rsync": re.compile(r"-[a-zA-Z]*e.*|--(rsh|rsync-path).*"),
}
"""Options that lead elsewhere than the address says."""
_ADDRESS: Final = re.compile(r"(?!file:)\b[a-z][a-z0-9.-]{0,20}://[^\s\"'<>)\]},]+", re.IGNORECASE)
_NAME: Final = re.compile(r"(?<![\w@./-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?![\w-])", re.IGNORECASE)
_FILE: Final = re.compile(
    r"\.(py|pyi|js|ts|jsx|tsx|rs|go|sh|md|pl|ps|cc|so|ml|mm|rb|java|kt|cs|c|h|cpp|hpp|json|toml|ya?ml|txt|lock|html|css|zip|mov|app)$",
    re.IGNORECASE,
)
"""Endings of files, some of which are also those of hosts; an address with https:// is always one."""
_BARE: Final = re.compile(r"(?![-./~])@?((?:[\w.+-]+@)?(?:[\w.-]+|\[[0-9a-fA-F:]+\]))(?:[:/?#].*)?", re.DOTALL)
_REMOTE: Final = re.compile(r"(?![-./~])(?:[\w.+-]+@)?(?:[\w.-]+|\[[0-9a-fA-F:]+\]):(?!//)")
_GIT_REMOTE: Final = re.compile(r"(?![-./~])(?:[\w.+-]+@[\w.-]+|[\w-]+\.[\w.-]+):(?!//)")
_GO_MODULE: Final = re.compile(r"[\w-]+(?:\.[\w-]+)+/")
_DEVICE: Final = re.compile(r"/dev/(?:tcp|udp)/([^/]*)/")
_SENDER: Final = re.compile(
    r"(?<![\w-])(?:"
    + "|".join(map(re.escape, sorted({*_TALKS, *_COPIES, *_SERVICES})))
    + r")(?=\s|$)|/dev/(?:tcp|udp)/"
)
