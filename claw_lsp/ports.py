"""What the engine and the tools ask of the world. Every port is filled by an adapter, a door or a test double.

All of them are awaited, except the log: its append is short and must be in order (the one blocking call allowed).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from pydantic import BaseModel

from claw_lsp.facts.call import Call, Result
from claw_lsp.facts.event import Entry, Event
from claw_lsp.facts.instructions import Around, FoundInstructions, Instructions
from claw_lsp.facts.language import Diagnostic
from claw_lsp.facts.opinion import Opinion
from claw_lsp.facts.past import Recalled, SessionSummary
from claw_lsp.facts.plan import Plan, PlannedPath
from claw_lsp.facts.question import Answer, Question
from claw_lsp.facts.request import Reply, Request
from claw_lsp.facts.rule import Behavior, Verdict
from claw_lsp.facts.sandbox import SandboxSettings, Walls
from claw_lsp.facts.scene import Ground, Scene
from claw_lsp.facts.search import Found, FoundLine, ListedFile, Query
from claw_lsp.facts.signal import Signal
from claw_lsp.facts.text import Applied, Change, Document
from claw_lsp.facts.trust import Item, Sought

Hear = Callable[[Signal], Awaitable[None]]
"""Where signals go. Awaited: the last one is never lost."""

Tell = Callable[[str], Awaitable[None]]
"""Where a running tool says, in one line, what it is doing now."""


class Model(Protocol):
    """The provider behind the Messages API."""

    async def consult(self, request: Request, hear: Hear) -> Reply:
        """One reply. Faults before anything was shown are retried here (said by `Retrying`); a stream that breaks after
        that comes back as a reply that is `cut`. Raises ModelError when the provider failed for good."""
        ...

    async def close(self) -> None:
        """Let connections go. A later request opens new ones."""
        ...


class Workspace(Protocol):
    """Files as the person sees them: open buffers over the disk. Paths are absolute."""

    async def read(self, path: str) -> Document:
        """The text of a file or open buffer. Raises NoSuchFile for what is missing, ToolError for a directory, what is
        binary, not a regular file, over the size limit or in an encoding that cannot be kept."""
        ...

    async def read_bytes(self, path: str, limit: int) -> bytes:
        """The bytes on disk. Raises ToolError as `read` does, and when there are more than `limit`."""
        ...

    def open_documents(self) -> tuple[Document, ...]:
        """Every buffer the editor holds open, as it is now."""
        ...

    async def locate(self, path: str) -> PlannedPath:
        """Where an absolute path really leads, links followed, whether or not it exists."""
        ...

    async def apply(self, change: Change, label: str) -> Applied:
        """Make the change, merged over what the person typed since; `label` names its undo step. Confirmed by the
        text afterwards. Raises StaleDocument when it cannot be merged, ToolError when the editor or disk refuses."""
        ...

    def unsaved(self) -> tuple[str, ...]:
        """Paths whose latest change by the agent lives in a buffer only."""
        ...

    @property
    def can_save(self) -> bool:
        """Whether `save` can reach the disk by itself."""
        ...

    async def save(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Save these; answers those that are still unsaved."""
        ...


class Tool(Protocol):
    """One tool. Its class docstring is what the model reads.

    Invariant: `plan` changes nothing; `perform` does exactly what the plan shows. Raise ToolError for what the model can
    mend; pydantic's ValidationError from `input` may pass, the engine turns it into one that names the field.
    `side_by_side` tools only look, and may run at the same time as each other.
    """

    name: ClassVar[str]
    input: ClassVar[type[BaseModel]]
    side_by_side: ClassVar[bool]

    async def plan(self, call: Call, scene: Scene, workspace: Workspace) -> Plan: ...

    async def perform(
        self, plan: Plan, scene: Scene, workspace: Workspace, answers: tuple[Answer, ...], tell: Tell
    ) -> Result:
        """`answers` are the person's, one for each of `plan.inquiries`; empty for every other plan."""
        ...


class Host(Protocol):
    """The person and their screen, as one turn sees them."""

    async def ask(self, question: Question) -> Answer:
        """Waits for an explicit answer, for ever if need be; nothing else comes back. Where nobody can answer, a deny
        `by` "nobody" at once. Cancelling withdraws the question."""
        ...

    async def saw(self, entry: Entry) -> None:
        """A fact was written; now it may be shown."""
        ...

    async def heard(self, signal: Signal) -> None:
        """Something passed by. Text has been kept in the partial file before."""
        ...


class Log(Protocol):
    """One session's log, held by one writer."""

    @property
    def path(self) -> str: ...

    def append(self, event: Event, *, durable: bool = False) -> Entry:
        """Stamp and write one line; `durable` waits for the disk. Raises LogError."""
        ...

    def keep(self, text: str) -> None:
        """Add streamed text to the partial file, unsynced, before it is shown. The next ModelSpoke empties the file."""
        ...

    @property
    def held(self) -> bool:
        """Whether the file is open here and locked against other processes."""
        ...

    def close(self) -> None:
        """Let the file go. A later write takes it again; it raises SessionHeld when somebody else went on meanwhile."""
        ...


class Confined(Protocol):
    """What one command runs in, from `Sandbox.confine` until `leave`; whoever runs it calls `leave` when all is gone."""

    @property
    def fds(self) -> tuple[int, ...]:
        """Descriptors that the program of `inside` must inherit under their numbers."""
        ...

    def inside(self, argv: Sequence[str], environment: Mapping[str, str]) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """The program that runs this one inside, and the environment it is to be started with."""
        ...

    async def leave(self) -> tuple[str, ...]:
        """Clean up behind the command; answers what the model must know of it, a sentence each. May be called often."""
        ...


class Sandbox(Protocol):
    """What commands are confined with on this machine."""

    async def walls(self, settings: SandboxSettings, ground: Ground) -> Walls:
        """What a command would run in here. Changes nothing and never raises."""
        ...

    async def confine(self, settings: SandboxSettings, ground: Ground) -> Confined:
        """Walls for one command. Raises ToolError where there are none: nothing falls back to less than `walls` said."""
        ...


@dataclass(frozen=True, slots=True)
class ShellLine:
    """A command for the shell. `timeout` in seconds. `environment` is added to the allowed one. `call_id` and `session`
    mark every process it starts, so that all of them can be found. `confined` is what it runs in, None for nothing."""

    command: str
    cwd: str
    timeout: float
    call_id: str
    session: str
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    confined: Confined | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished command. `code` is None when it was killed by a signal or the time limit. `output` is stdout and stderr as they came,
    cleaned of escapes and cut to head and tail; all of it is in `output_path` when it was cut. `cwd` is where it ended."""

    code: int | None
    output: str
    cwd: str
    seconds: float
    timed_out: bool = False
    output_path: str | None = None


@dataclass(frozen=True, slots=True)
class Background:
    """A command that runs on its own; `code` is None while it runs. Times in seconds. `output` is what it printed so
    far, cut to head and tail; `wait` and `stop` fill it."""

    id: str
    command: str
    output_path: str
    running: bool
    code: int | None
    seconds: float
    output: str = ""


class Processes(Protocol):
    """Shell commands and everything they start."""

    async def run(self, line: ShellLine, tell: Tell) -> Ran:
        """Run to its end; `tell` gets its latest output line now and then. When cancelled or timed out, every process it
        started is gone within a second (setsid, nohup and double forks included). Raises ProcessError."""
        ...

    async def start(self, line: ShellLine) -> Background:
        """Run in the background, output to a file."""
        ...

    def background(self, session: str) -> tuple[Background, ...]: ...

    async def wait(self, task_id: str, timeout: float) -> Background | None:
        """The task once it ended or the time is over; None for an unknown id."""
        ...

    async def stop(self, task_id: str) -> Background | None: ...

    async def close(self) -> None:
        """End everything that was ever started."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """What a host answered: `url` after the redirects that were followed; `redirect` is one that was not (another host)."""

    url: str
    status: int
    content_type: str
    body: bytes
    redirect: str | None = None


class Web(Protocol):
    async def get(self, url: str, *, allow_private: bool) -> Page:
        """Fetch over http(s), with size, redirect and time limits; the address really connected to is checked.
        Raises ToolError."""
        ...


class Clock(Protocol):
    def now(self) -> float:
        """Unix seconds."""
        ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class Versions(Protocol):
    """git, asked without running anything the repository configures."""

    async def summary(self, folder: str) -> str:
        """Branch and short status for the environment block; "" where there is no repository."""
        ...

    async def ignores(self, path: str) -> bool:
        """Whether the repository leaves this file out; True where that cannot be told, False outside of any."""
        ...

    async def diff(self, folder: str, base: str = "HEAD", *, staged: bool = False) -> str:
        """The unified diff of the work tree, or of what is staged, against a revision; "" when nothing differs. Raises
        ClawError where there is no repository or no such revision, or when git fails or takes too long."""
        ...


class Guidance(Protocol):
    """Which files instruct: CLAW.md and its like, rules, and the agent's notes. Nothing raises for a file."""

    async def beginning(self, around: Around) -> FoundInstructions:
        """Those that hold for a session from its beginning, the most general first, notes last."""
        ...

    async def for_files(self, paths: Iterable[str], around: Around) -> tuple[Instructions, ...]:
        """Those that hold for these files beside what the session began with: of folders below its own, and rules with
        `paths`; the most general first."""
        ...

    async def again(self, files: Iterable[str], around: Around) -> tuple[Instructions, ...]:
        """What files that held for some files say now; one that is gone is not among them."""
        ...


class Assessor(Protocol):
    """Who judges calls in auto mode, by written rules."""

    async def assess(self, past: Iterable[Event], plan: Plan, verdict: Verdict, ground: Ground) -> Opinion:
        """The verdict on a call that the policy asks about; `past` is all that happened in the session. Never raises:
        whatever goes wrong is a question."""
        ...


class Memory(Protocol):
    """Where permission rules that are always allowed are written."""

    async def add_rules(self, folder: str, rules: tuple[str, ...], behavior: Behavior = "allow") -> str:
        """Add rules to the folder's local settings, all or none; answers the file's path. Raises ClawError."""
        ...

    async def change_rule(self, file: str, behavior: Behavior, rule: str, to: Behavior | None) -> None:
        """Give a rule of a settings file another behavior, or take it out; nothing else in the file moves. Raises ClawError."""
        ...

    async def keep_in_step(self, file: str, rule: str, to: Behavior | None) -> None:
        """The person changed a rule of this file so: what they always allowed there is remembered, and else forgotten."""
        ...


class Trust(Protocol):
    """What the person said of the folders they opened. A home folder, and what holds it, is never trusted."""

    async def sought(self, folder: str) -> Sought:
        """What the folder's own files ask for and is not in force. Never raises."""
        ...

    async def trust(self, folder: str, items: Iterable[Item]) -> None:
        """Remember that the folder is trusted, and these of its contents approved. Raises ClawError."""
        ...

    async def refuse(self, folder: str, items: Iterable[Item]) -> None:
        """Remember that these are not approved and not to be asked about. Raises ClawError."""
        ...

    async def distrust(self, folder: str) -> None:
        """Remember that nothing of the folder is approved, nor to be asked about. Raises ClawError."""
        ...


class Archive(Protocol):
    """Where session logs are kept. Ids are UUIDs; any other text is refused with LogError before it reaches a path."""

    async def create(self, session: str, folder: str) -> Log:
        """A new log with its header line, held by us."""
        ...

    async def copy(self, session: str, origin: str, entries: Sequence[Entry]) -> Log:
        """A new log that begins with these entries of another session, in the same folder; its header says of which."""
        ...

    async def open(self, session: str) -> tuple[Log, tuple[Entry, ...], str]:
        """An existing log to go on with, everything in it, and the text in its partial file. A torn last line is cut
        off. Raises LogError when there is none, when another process holds it, or when it cannot be read."""
        ...

    async def read(self, session: str) -> tuple[Entry, ...]:
        """Everything in a log, whoever holds it. Raises LogError."""
        ...

    async def list(self, folder: str | None = None) -> tuple[SessionSummary, ...]:
        """Newest first; of one home folder or of all."""
        ...

    async def with_edits(self, folder: str, most: int) -> tuple[str, ...]:
        """The ids of those of a home folder, of the `most` written last, whose logs hold edits and that nobody holds.
        Logs that are very large are left out."""
        ...

    async def search(self, words: str, folders: Sequence[str]) -> Recalled:
        """Where the words were said in the sessions of these home folders, of all if there are none, in any case. Bounded in
        what is found and in time."""
        ...

    async def delete(self, session: str) -> None:
        """Remove a log and all that is beside it. Raises LogError when there is none, or when somebody holds it."""
        ...

    async def expire(self, before: float) -> tuple[str, ...]:
        """Delete what nobody wrote since and nobody holds, at most once a day on this machine; answers their ids."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """Some lines of a file that cannot be held as a document, line ends left out, long lines cut.

    `first` is the number of the first line, from 1; `more` says that lines follow; `size` is the file's, in bytes;
    `why` is a sentence that says why the file can be looked at but not edited.
    """

    path: str
    lines: tuple[str, ...]
    first: int
    more: bool
    size: int
    why: str


class Windows(Protocol):
    """A look at files on disk that are too large, or in no encoding that could be written back."""

    async def window(self, path: str, first: int, count: int, width: int) -> Window:
        """At most `count` lines from line `first` on, each cut to `width` characters, in bounded memory. Raises ToolError
        for what is missing, a directory, binary or not a regular file."""
        ...


class Search(Protocol):
    """Fast search over files on disk; files that git ignores and the .git folder are left out."""

    async def matches(self, query: Query, path: str) -> Found:
        """What matches in a file, or in all files below a folder. Raises ToolError for a bad pattern, glob or type."""
        ...

    async def matches_in(self, query: Query, text: str) -> tuple[FoundLine, ...]:
        """What matches in this text; glob and type are not looked at."""
        ...

    async def fits(self, path: str, glob: str | None, type: str | None) -> bool:  # noqa: A002
        """Whether a path, relative to the folder searched, is one that glob and type choose."""
        ...

    async def names(self, folder: str) -> tuple[str, ...]:
        """The paths of all files below a folder, relative to it, in no order, and nothing looked at but names. Raises
        ToolError as `files` does."""
        ...

    async def files(self, folder: str, glob: str | None, type: str | None) -> tuple[ListedFile, ...]:  # noqa: A002
        """The files below a folder, in no order. Raises ToolError as `matches` does, and when it takes too long."""
        ...


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something in the code that has a name. `kind` is LSP's SymbolKind in a lower-case word; lines count from 1."""

    name: str
    kind: str
    path: str
    line: int
    container: str = ""


class Symbols(Protocol):
    """What the code of a workspace defines, by name."""

    async def find(self, query: str, folders: tuple[str, ...]) -> tuple[Symbol, ...]:
        """What is defined below these folders under a name that contains the query, the best fit first; nothing for an
        empty one. Bounded in number and time: what could not be looked at in time is left out."""
        ...


class Languages(Protocol):
    """What the editor's other language servers know. They are nobody's to rely on: where no editor can be asked, or it does
    not answer in time, or with what makes no sense, the answer is nothing. Never raises."""

    async def symbols(self, query: str) -> tuple[Symbol, ...]:
        """The symbols of the workspace that fit, best first, at most a few hundred."""
        ...

    async def diagnostics(self, path: str) -> tuple[Diagnostic, ...]:
        """What is complained about in one file, by everybody but us, from the top."""
        ...

    async def all_diagnostics(self) -> Mapping[str, tuple[Diagnostic, ...]]:
        """The same of every file that has some, by path."""
        ...
