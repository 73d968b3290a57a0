"""What the scripted model answers in the benchmarks; every front door gets the same."""

from pathlib import Path

from claw_lsp.testing.messages_api import Improvised, Recorded, Reply, Scenario, Text, ToolUse

N_FILES = 50
SLOW = "talk while you work"
PROMPT = "Read every file, one after the other, then all of them at once."


def files(folder: Path) -> None:
    """The project that is read: fifty files of forty lines."""
    for n in range(N_FILES):
        lines = (f"line {line} of file {n}: the quick brown fox jumps over the lazy dog" for line in range(40))
        (folder / f"f{n:02}.txt").write_text("\n".join(lines) + "\n")


def scenario(folder: Path) -> Scenario:
    """Fifty replies with one Read each, one with fifty, one more Read, the end. Asked to talk: text between reads."""

    def answer(recorded: Recorded) -> Reply:
        messages = recorded.body["messages"]
        n = sum(it["role"] == "assistant" for it in messages)
        if SLOW in str(messages[0]["content"]):
            return _talking(folder, n)
        if n < N_FILES:
            return Reply(content=(_read(folder, n),))
        if n == N_FILES:
            return Reply(content=tuple(_read(folder, it) for it in range(N_FILES)))
        return Reply(content=(_read(folder, 0),)) if n == N_FILES + 1 else Reply(content=(Text(text="Done."),))

    return Scenario(title="benchmark", replies=(Improvised(make=answer, times="always"),))


def _talking(folder: Path, n: int) -> Reply:
    if n == 12:
        return Reply(content=(Text(text="Done."),))
    pieces = tuple(f"Sentence {it} of what the model has to say while it works on the file.\n" for it in range(60))
    reads = tuple(_read(folder, it) for it in range(n, n + 4))
    return Reply(content=(Text(text="".join(pieces), pieces=pieces, pace=0.004), *reads))


def _read(folder: Path, n: int) -> ToolUse:
    return ToolUse(name="Read", input={"file_path": str(folder / f"f{n:02}.txt")})
