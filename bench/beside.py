"""Hits that come meanwhile: pixels of another workspace at a steady rate, by a process of its own.

    .venv/bin/python bench/beside.py <port> <a second> <file with one path a line>

It runs until its standard input closes, then prints how many were answered a second.
"""

import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import insert
from sqlmodel import Session, func, select

from bench.load import AGENT
from server.accounts.models import Member, Workspace
from server.config import Settings
from server.gmail.models import Mailbox
from server.keys import Keyring
from server.messages.models import Copy, CopyState, Message, Recipient
from server.tracking.tokens import pixel_url

COPIES = 20_000  # so many that each is fetched a few times only
CONNECTIONS = 16
TURN_SECONDS = 0.01


class Beside(Protocol):
    """A case with so many hits a second beside it, and where their real rate is noted."""

    beside: int
    beside_rates: list[float]


def add_workspace(session: Session, settings: Settings, keys: Keyring) -> list[str]:
    """Add a workspace with one member's mails, and return the paths of their pixels."""
    workspace = Workspace(name="Beside")
    session.add(workspace)
    session.flush()
    member = Member(workspace_id=workspace.id, email="beside@acme.example")
    session.add(member)
    session.flush()
    mailbox = Mailbox(workspace_id=workspace.id, member_id=member.id, email=member.email)
    session.add(mailbox)
    session.flush()
    first = {model: (session.exec(select(func.max(model.id))).one() or 0) + 1 for model in (Message, Copy, Recipient)}
    numbers, ids = range(COPIES), [secrets.token_hex(16) for _ in range(COPIES)]
    told = {"workspace_id": workspace.id, "member_id": member.id, "mailbox_id": mailbox.id, "subject": "Beside"}
    session.execute(insert(Message), [{"id": first[Message] + n, **told, "html": ""} for n in numbers])
    sent = {"mailbox_id": mailbox.id, "state": CopyState.SENT}
    session.execute(
        insert(Copy),
        [{"id": first[Copy] + n, "message_id": first[Message] + n, "tracking_id": ids[n], **sent} for n in numbers],
    )
    session.execute(
        insert(Recipient),
        [
            {"id": first[Recipient] + n, "message_id": first[Message] + n, "copy_id": first[Copy] + n,
             "address": f"p{n}@beside.example"} for n in numbers
        ],
    )  # fmt: skip
    return [pixel_url(settings, keys, member.sender_key, one).removeprefix(settings.edge_base_url) for one in ids]


@asynccontextmanager
async def run_beside(settings: Settings, paths: list[str], case: Beside) -> AsyncIterator[None]:
    """Fetch pixels at the case's rate until the end of the block."""
    if not case.beside:
        yield
        return
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("\n".join(paths))
        file.flush()
        words = (str(settings.edge_port), str(case.beside), file.name)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, __file__, *words, stdin=pipe, stdout=pipe)
        try:
            assert process.stdout is not None
            await process.stdout.readline()  # it has begun
            yield
        finally:
            told, _ = await process.communicate(b"")
            case.beside_rates.append(float(told.split()[-1]) if told.strip() else 0.0)


async def main(port: int, rate: int, paths: list[str]) -> None:
    """Fetch `paths` in turn, `rate` a second over keep-alive connections, until standard input closes."""
    counts = {"answered": 0, "asked": 0}
    begun = time.perf_counter()
    readers = [asyncio.create_task(_ask(port, rate, paths, counts, begun)) for _ in range(CONNECTIONS)]
    print("begun", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for reader in readers:
        reader.cancel()
    print(round(counts["answered"] / (time.perf_counter() - begun)))


async def _ask(port: int, rate: int, paths: list[str], counts: dict[str, int], begun: float) -> Any:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"Host: 127.0.0.1\r\nUser-Agent: {AGENT}\r\n\r\n"
    while True:
        if counts["asked"] >= (time.perf_counter() - begun) * rate:
            await asyncio.sleep(TURN_SECONDS)
            continue
        path = paths[counts["asked"] % len(paths)]
        counts["asked"] += 1
        writer.write(f"GET {path} HTTP/1.1\r\n{head}".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        counts["answered"] += 1


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]).read_text().split("\n")))
