"""Mixes what cannot be read among what can, and counts: all that is good arrives, the bad is kept aside with reasons.

    .venv/bin/python chaos/poison.py --records 2000 --seed 1

Journal records: cut ones, altered bytes, no JSON, JSON that is no hit. Pushes: no token, a forged one, no JSON.
Mails that cannot be read are tried beside the mailbox they come into (tests/gmail/test_history.py).
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import requests

from chaos.grounds import Ground, make_copies, make_parser, perform
from chaos.hits import AGENT, list_stored
from server.keys import get_keys
from server.tracking.frames import HEAD, make_frame
from server.tracking.hits import make_record
from server.tracking.tokens import read_pixel

BAD_SHARE = 0.2


def main() -> int:
    """Run the experiment and return 0 when all that was good arrived."""
    parser = make_parser(__doc__)
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--pushes", type=int, default=50)
    return perform(parser.parse_args(), _experiment)


def _experiment(ground: Ground) -> dict[str, Any]:
    paths = make_copies(ground.settings, 20)
    good, bad = _write_records(ground, [path for path, _link in paths])
    ground.start("valkey", "web", "worker-hits", "ticker")
    seconds = ground.wait_until_drained()
    stored = list_stored()
    aside = ground.settings.journal_dir / "bad"
    reasons = [path.read_text().strip() for path in sorted(aside.glob("*.reason"))]
    answers = [_push(ground, number) for number in range(ground.options.pushes)]
    is_well = requests.get(f"{ground.settings.base_url}/readyz", timeout=10).status_code == 200
    return {
        "holds": sorted(stored) == sorted(good) and len(reasons) == bad and all(reasons) and is_well
        and set(answers) <= {400, 401, 403, 413, 415},
        "records": ground.options.records, "good": len(good), "stored": len(stored), "bad": bad,
        "kept_aside": len(reasons), "reasons": sorted(set(reasons)), "pushes_refused": len(answers),
        "drained_after_seconds": seconds,
    }  # fmt: skip


def _write_records(ground: Ground, pixels: list[str]) -> tuple[list[str], int]:
    """Write one finished segment; return the names of its good hits and how many records of it are bad."""
    folder, dice, good, bad = ground.settings.journal_dir, ground.dice, [], 0
    folder.mkdir(parents=True)
    frames, was_damaged = [], False
    for number in range(ground.options.records):
        _o, _path, sender, token = pixels[number % len(pixels)].split("/")
        tracking_id = read_pixel(get_keys(), sender, token.removesuffix(".gif")) or ""
        environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "203.0.113.7", "HTTP_USER_AGENT": AGENT.format(name=number)}
        record = make_record("pixel", tracking_id, environ, 0)
        if dice.random() < BAD_SHARE:
            frame, is_damage = _spoil(record, dice.randrange(5))
            bad += not (is_damage and was_damaged)  # damage on damage is one stretch
            was_damaged = is_damage
        else:
            frame, was_damaged = make_frame(record), False
            good.append(str(number))
        frames.append(frame)
    frames.append(make_frame(b"{}"))  # so that damage at the end is told from a write under way
    (folder / "00000000000000000001-1-aa.journal").write_bytes(b"".join(frames))
    return good, bad + 1


def _spoil(record: bytes, how: int) -> tuple[bytes, bool]:
    """Return a record that cannot be used, and whether it is damaged rather than wrong."""
    if how == 0:
        frame = make_frame(record)
        return frame[: HEAD.size] + bytes([frame[HEAD.size] ^ 1]) + frame[HEAD.size + 1 :], True
    if how == 1:
        return make_frame(record)[: len(record) // 2], True
    if how == 2:
        return make_frame(b"\xff\xfe not JSON"), False
    hit = json.loads(record)
    hit |= {"kind": "sneeze"} if how == 3 else {"at_ms": -1}
    return make_frame(json.dumps(hit).encode()), False


def _push(ground: Ground, number: int) -> int:
    bodies = [b"", b"{", b"[]", b'{"message":null}', base64.b64encode(b"x" * 9000), b"\xff" * 100]
    headers = [{}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer a.b.c"}, {"Content-Type": "text/x"}]
    url, body = f"{ground.settings.base_url}/gmail/push", bodies[number % len(bodies)]
    return requests.post(url, data=body, headers=headers[number % len(headers)], timeout=10).status_code


if __name__ == "__main__":
    sys.exit(main())
