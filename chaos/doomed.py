"""A worker or ticker that dies, or stands still, at a point of a job's life that a file in its home names, once.

    python chaos/doomed.py mail

The file `doom` holds the point, or `stop:` and the point; whoever takes it away dies of it. The file `crash` holds the
ids of copies at which every worker dies, each time.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from rq import Queue

import worker
from server.config import load_settings
from server.gmail.client import Gmail
from server.messages import send
from server.queue import Wakeup

HOME = load_settings().warmline_home


def meet(point: str) -> None:
    """Die here, or stop, where that is what the file says."""
    path = HOME / "doom"
    with suppress(FileNotFoundError):
        doom = path.read_text()
        if doom.removeprefix("stop:") == point:
            (HOME / "pid").write_text(str(os.getpid()))
            path.rename(HOME / "met")
            os.kill(os.getpid(), signal.SIGSTOP if doom.startswith("stop:") else signal.SIGKILL)


def around(owner: Any, name: str, before: str = "", after: str = "") -> None:
    """Put points before and after a function of the product."""
    real: Callable[..., Any] = getattr(owner, name)

    def run(*arguments: Any, **options: Any) -> Any:
        meet(before)
        result = real(*arguments, **options)
        meet(after)
        return result

    setattr(owner, name, run)


def crash(real: Callable[..., Any]) -> Callable[..., Any]:
    """Return the sending of a copy, deadly for some."""

    def run(session: Any, copy_id: int) -> Any:
        with suppress(FileNotFoundError):
            if str(copy_id) in (HOME / "crash").read_text().split():
                os.kill(os.getpid(), signal.SIGKILL)
        return real(session, copy_id)

    return run


around(Queue, "enqueue", "before_enqueue", "after_enqueue")
around(Wakeup, "_execute", before="pop")
around(Gmail, "open", before="claim")
around(Gmail, "send_draft", after="effect")
around(send, "_read_back", before="mark")
send.send = crash(send.send)

if __name__ == "__main__":
    worker.main(sys.argv[1])
