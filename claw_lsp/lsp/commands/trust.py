"""Whether the folder of a workspace is trusted: to see and to change it."""

from __future__ import annotations

from claw_lsp.core.words import counted
from claw_lsp.engine.trusting import described
from claw_lsp.facts.trust import Item, Sought
from claw_lsp.lsp.arguments import TrustArguments
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.transport.messages import RequestId


@command("claw.trust", TrustArguments, slash=True)
async def trust(door: Door, args: TrustArguments, request: RequestId | None) -> Answer:
    """Show whether this folder is trusted, and what its own files ask for. With `trust` it is from now on, as its files are
    at this moment, or never."""
    folder = door.home_for(args.uri).folder
    if args.trust is not None:
        await door.trusting.decide(folder, trust=args.trust)
    sought = await door.trusting.look(folder)
    restricted = door.trusting.restricted
    return {
        "folder": folder,
        "standing": sought.standing,
        "restricted": restricted,
        "waiting": [_listed(it) for it in sought.waiting],
        "refused": [_listed(it) for it in sought.refused],
        "never": list(sought.never),
        "text": "\n\n".join(filter(None, (sentence(sought, restricted=restricted), described(sought)))),
    }


def _listed(it: Item) -> dict[str, str]:
    return {"what": it.what, "content": it.content, "path": it.path}


def sentence(sought: Sought, *, restricted: bool) -> str:
    """Whether a folder is trusted, in a line; `restricted` says that the editor forbids it."""
    if restricted:
        return "The editor says that this workspace is not trusted, so nothing its files ask for counts."
    n = counted(len(sought.waiting), "thing")
    match sought.standing:
        case "trusted":
            return f"This folder is trusted. {n} in it not approved." if sought.waiting else "This folder is trusted."
        case "refused":
            return "This folder is not trusted, and you are not asked. `claw.trust {trust: true}` changes that."
        case "unknown":
            waits = (
                f"{n} in its files would count if it were" if sought.waiting else "nothing in its files waits for that"
            )
            return f"This folder is not trusted yet; {waits}."
