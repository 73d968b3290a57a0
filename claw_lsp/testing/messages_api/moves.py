"""From the events of a reply and its faults to the moves the server makes on the wire. Pure as well."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from claw_lsp.testing.messages_api import scenario
from claw_lsp.testing.messages_api.events import Event
from claw_lsp.testing.messages_api.refusal import error_body
from claw_lsp.testing.messages_api.scenario import Fault, Reply


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes of the body."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Write nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection in the middle of the body."""

    reset: bool


Move = Send | Wait | HangUp


def moves_of(events: Iterable[Event], reply: Reply, request_id: str) -> Iterator[Move]:
    """The moves that play the events with the reply's faults; after a HangUp nothing follows."""
    moves: list[Move] = []
    listed = list(events)
    for n in range(len(listed) + 1):
        stop = _before(n, listed, reply.faults, request_id, moves)
        if stop or n == len(listed):
            break
        if listed[n].wait:
            moves.append(Wait(listed[n].wait))
        moves.append(Send(_encoded(listed[n], n, reply.faults)))
    return _in_bits(_cut(moves, reply.faults), reply.chunk_bytes)


def body_moves(data: bytes, reply: Reply) -> Iterator[Move]:
    """The same for a body that is sent whole."""
    return _in_bits(_cut([Send(data)], reply.faults), reply.chunk_bytes)


def _before(n: int, events: list[Event], faults: tuple[Fault, ...], request_id: str, moves: list[Move]) -> bool:
    """Add what the faults put before event n; True if the stream ends there."""
    ends = False
    for fault in faults:
        match fault:
            case scenario.ErrorEvent(after_events=after) if after == n:
                data = error_body(fault.error_type, fault.message, request_id)
                moves.append(Send(Event("error", data).encoded()))
                ends = True
            case scenario.Drop(after_events=after) if after == n:
                moves.append(HangUp(fault.reset))
                ends = True
            case scenario.Stall(after_events=after) if after == n:
                moves.append(Wait(fault.seconds))
            case scenario.CleanEnd(after_events=after):
                ends = ends or n == (len(events) - 1 if after is None else after)
            case scenario.UnknownEvent(after_events=after) if after == n:
                moves.append(Send(Event(str(fault.data.get("type")), fault.data).encoded()))
            case scenario.Ping(after_events=after) if after == n:
                moves.append(Send(Event("ping", {"type": "ping"}).encoded()))
            case (
                scenario.Status()
                | scenario.BrokenEvent()
                | scenario.ErrorEvent()
                | scenario.Drop()
                | scenario.Stall()
                | scenario.UnknownEvent()
                | scenario.Ping()
            ):
                pass
    return ends


def _encoded(event: Event, n: int, faults: tuple[Fault, ...]) -> bytes:
    whole = event.encoded()
    if any(isinstance(it, scenario.BrokenEvent) and it.at_event == n for it in faults):
        return whole[: len(whole) * 2 // 3].rstrip(b"\n") + b"\n\n"
    return whole


def _cut(moves: Iterable[Move], faults: tuple[Fault, ...]) -> Iterator[Move]:
    """Hang up after so many bytes, where a fault says so."""
    drops = [it for it in faults if isinstance(it, scenario.Drop) and it.after_bytes is not None]
    if not drops:
        yield from moves
        return
    left = drops[0].after_bytes or 0
    for move in moves:
        if isinstance(move, Send):
            if len(move.data) >= left:
                yield from [Send(move.data[:left])] if left else []
                yield HangUp(drops[0].reset)
                return
            left -= len(move.data)
        yield move


def _in_bits(moves: Iterator[Move], size: int | None) -> Iterator[Move]:
    for move in moves:
        if isinstance(move, Send) and size is not None:
            yield from (Send(move.data[n : n + size]) for n in range(0, len(move.data), size))
        else:
            yield move
