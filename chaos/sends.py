"""Sends mail while Google fails and workers are killed, and counts: every mail was accepted exactly once.

    .venv/bin/python chaos/sends.py --sends 2000 --kills 20 --seed 1 [--database postgresql]

A real Warmline (workers, ticker, Valkey) runs in a home of its own under the supervisor of `make run`; the stand-in, a
process of its own, plays Gmail. Of all its answers 5 % are dropped after the call took effect, 5 % before, 10 % are 503
and 5 % are 429. Workers are killed -9 at moments that the seed chooses. Afterwards the stand-in's own record says how
often it accepted each copy: once, no more and no less. The time of the last tries is brought forward in the database.
"""

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import requests
from sqlalchemy import func
from sqlmodel import col, select

from chaos.gmail import (
    bring_tries_forward,
    compose_to_many,
    count_accepted,
    end_faults,
    make_linked_member,
    put_faults,
    steer,
)
from chaos.grounds import Ground, make_parser, perform, wait_for
from server.config import Settings
from server.db import get_db
from server.messages.models import Copy, CopyState
from server.messages.render import copy_mark
from server.sandbox.cast import DEMO_MEMBER

LONGEST_DELAY_SECONDS = 0.2
LONGEST_RUN_SECONDS = 1800
LOOK_SECONDS = 0.5


def main() -> int:
    """Run the experiment, print what was counted, and return 0 when every mail was accepted exactly once."""
    parser = make_parser(__doc__)
    parser.add_argument("--sends", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--faults", type=float, default=1.0, help="multiplies the probability of every fault")
    options = parser.parse_args()
    return perform(options, _experiment, MAIL_WORKERS=str(options.workers))


def _experiment(ground: Ground) -> dict[str, Any]:
    options, settings = ground.options, ground.settings
    workers = [f"worker-mail-{number}" for number in range(options.workers)]
    ground.start("valkey", "stand-in", *workers, "ticker")
    with get_db().session() as session:
        member = make_linked_member(session, settings)
        session.commit()
        put_faults(settings, options.faults, options.seed)
        compose_to_many(session, member, options.sends)
        session.commit()
    kills = _kill_at_random(ground, workers)
    states = _wait_until_done(options.sends)
    faults = end_faults(settings)
    wait_for(_are_message_ids_known, "every real Message-ID to be read back", LONGEST_RUN_SECONDS)
    return _compare(ground) | {"faults": faults, "kills": kills, "states": states}


def _kill_at_random(ground: Ground, workers: list[str]) -> int:
    """Kill one of the workers each time so many mails are out, after a moment, so that it dies within any step."""
    sends, kills = ground.options.sends, ground.options.kills
    marks = sorted(ground.dice.sample(range(1, max(sends * 9 // 10, kills + 1)), kills))
    for mark in marks:
        victim, delay = ground.dice.choice(workers), ground.dice.uniform(0, LONGEST_DELAY_SECONDS)
        wait_for(lambda mark=mark: _count_states()[CopyState.SENT] >= mark, f"{mark} mails", LONGEST_RUN_SECONDS)  # type: ignore[misc]
        wait_for(ground.programs[victim].is_up, f"{victim} to come up", LONGEST_RUN_SECONDS)
        time.sleep(delay)
        ground.kill(victim)
    return len(marks)


def _wait_until_done(sends: int) -> dict[str, int]:
    def is_done() -> bool:
        bring_tries_forward()
        time.sleep(LOOK_SECONDS)  # its writing is not to hold up the workers'
        states = _count_states()
        return states[CopyState.SENT] + states[CopyState.FAILED] == sends

    wait_for(is_done, "every mail to be sent or to fail", LONGEST_RUN_SECONDS)
    return dict(_count_states())


def _are_message_ids_known() -> bool:
    unknown = select(func.count()).where(Copy.state == CopyState.SENT, col(Copy.rfc822_message_id).is_(None))
    with get_db().session(write=False) as session:
        return session.exec(unknown).one() == 0


def _count_states() -> "Counter[str]":
    with get_db().session(write=False) as session:
        return Counter(dict(session.exec(select(Copy.state, func.count()).group_by(col(Copy.state))).all()))


def _compare(ground: Ground) -> dict[str, Any]:
    counts = count_accepted(ground.settings)
    with get_db().session(write=False) as session:
        copies = session.exec(select(Copy)).all()
        accepted = [counts.get(copy_mark(copy), 0) for copy in copies]
        message_ids = {copy.rfc822_message_id for copy in copies}
        attempts = [copy.attempts for copy in copies]
    lost, doubled = accepted.count(0), sum(count > 1 for count in accepted)
    return {
        "holds": not lost and not doubled and sum(counts.values()) == len(copies) == ground.options.sends,
        "sends": ground.options.sends, "accepted": sum(counts.values()), "once": accepted.count(1), "lost": lost,
        "doubled": doubled, "attempts": sum(attempts), "most_attempts": max(attempts),
        "message_ids": len(message_ids), "drafts_left": _count_drafts(ground.settings),
    }  # fmt: skip


def _count_drafts(settings: Settings) -> int:
    accounts = steer(settings, "GET", "accounts")
    token = next(one["access_token"] for one in accounts if one["email"] == DEMO_MEMBER.email)
    answer = requests.get(
        f"{settings.stand_in_url}/gmail/v1/users/me/drafts",
        headers={"Authorization": f"Bearer {token}"},
        params={"maxResults": 500},
        timeout=30,
    )
    answer.raise_for_status()
    return len(answer.json().get("drafts", []))


if __name__ == "__main__":
    sys.exit(main())
