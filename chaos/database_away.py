"""Takes the database away while mail is read, and counts: links lead on, pixels answer, and all of it is in the feed.

    .venv/bin/python chaos/database_away.py --away 60 --seed 1 [--database postgresql]

SQLite is locked by another writer, PostgreSQL stopped at once (`pg_ctl stop -m immediate`). While it is away each click
redirects within 1 s and each pixel answers; within 60 s of its return every hit that was answered is one event.
"""

import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from chaos.grounds import Ground, compare, make_copies, make_parser, perform
from chaos.hits import Readers, list_stored

CLICK_SECONDS = 1.0
BACK_SECONDS = 60
PAUSE_SECONDS = 0.05
AROUND_SECONDS = 2


def main() -> int:
    """Run the experiment and return 0 when nothing was lost or kept waiting."""
    parser = make_parser(__doc__)
    parser.add_argument("--away", type=float, default=60, help="seconds")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--click-seconds", type=float, default=CLICK_SECONDS, help="more where other work runs beside")
    return perform(parser.parse_args(), _experiment)


def _experiment(ground: Ground) -> dict[str, Any]:
    paths = make_copies(ground.settings, 50)
    ground.start("valkey", "edge", "worker-hits", "ticker")
    readers = Readers(ground.settings.edge_port)
    threads = [
        threading.Thread(target=readers.go_on, args=(paths, PAUSE_SECONDS, f"{name}."), daemon=True) for name in "ab"
    ]
    for thread in threads:
        thread.start()
    back = 0.0
    for _ in range(ground.options.times):
        time.sleep(AROUND_SECONDS)
        ground.database.take_away()
        time.sleep(ground.options.away)
        ground.database.bring_back()
        begun, asked = time.monotonic(), set(readers.ok)
        while not asked <= set(list_stored()) and time.monotonic() - begun < 2 * BACK_SECONDS:
            time.sleep(0.5)
        back = max(back, time.monotonic() - begun)
    readers.is_over.set()
    for thread in threads:
        thread.join()
    ground.wait_until_drained()
    difference = compare(readers.ok, readers.unknown, list_stored())
    holds = not any(difference.values()) and not readers.failed and not readers.unknown and back <= BACK_SECONDS
    return {
        "holds": holds and readers.slowest("click") <= ground.options.click_seconds,
        "away_seconds": ground.options.away,
        "ok": len(readers.ok), "answers": dict(readers.statuses), "slowest_click": readers.slowest("click"),
        "slowest_pixel": readers.slowest("pixel"), "p99_ms": readers.percentile(0.99),
        "back_after_seconds": round(back, 1), **difference,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
