"""The exception tree; an exception is in it because some caller does something different for it.

ClawError                 everything we raise on purpose; its text is written for the person who must act
  x ToolError             the model can do something about it: becomes a failed result, in engine/turn.py
    - StaleDocument       the text moved since the plan was made
    - NoSuchFile          there is nothing at that path (writing may create it)
  x HostError             the editor said no, or went away
    - ClientSilent        it did not answer within the time limit
    - ClientRefused       it answered with an error, or with nonsense
  x ModelError            the provider failed after its retries; says what to do
    - ContextFull         what was sent is too long for the model: the session is compacted
  x BadRequest            the door was sent what cannot be obeyed; names the field and what was expected
  x LogError              the session log cannot be read or written; the turn stops, nothing shown is lost
    - SessionHeld         another process has the session open: a new one can be begun in its place
  x CheckpointError       files could not be kept, or read as they were: only what the log holds can be taken back
  x ProcessError          a program could not be started
    - FolderGone          the folder it was to run in cannot be entered: the session falls back to its home
"""

from __future__ import annotations


class ClawError(Exception):
    """Something we raise on purpose: `str(error)` is a sentence for the person who must act."""


class ToolError(ClawError):
    """A call failed in a way the model can do something about: says what was expected, what was found, what to do."""


class StaleDocument(ToolError):
    """The text moved since the plan was made, and could not be merged."""


class NoSuchFile(ToolError):
    """There is neither a file nor an open buffer at that path."""


class HostError(ClawError):
    """The editor said no, or went away."""


class ClientSilent(HostError):
    """The editor did not answer a request within its time limit."""


class ClientRefused(HostError):
    """The editor answered a request with an error, or with something that is no answer."""


class ModelError(ClawError):
    """The provider failed after its retries; the text says what to do.

    `reason` is one of the words of the StopFailure hook: rate_limit, overloaded, authentication_failed, billing_error,
    invalid_request, model_not_found, server_error, max_output_tokens, no_key, connection, unknown.
    """

    def __init__(self, text: str, *, reason: str = "unknown") -> None:
        super().__init__(text)
        self.reason = reason


class ContextFull(ModelError):
    """What was sent is longer than the model or its server takes."""


class BadRequest(ClawError):
    """The door was sent what cannot be obeyed; the text names the field and what was expected."""


class LogError(ClawError):
    """The session log cannot be read or written; the text names the file and what to do."""


class SessionHeld(LogError):
    """Another process has the session open, or went on with it."""


class CheckpointError(ClawError):
    """Files could not be kept as they are, or read as they were; the text says why."""


class ProcessError(ClawError):
    """A program could not be started; the text names it and why."""


class FolderGone(ProcessError):
    """The folder a program was to run in cannot be entered."""
