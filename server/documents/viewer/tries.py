"""How often a share's password may be tried in this process: guessing stays slow, and Argon2 never fills it."""

import time
from collections import OrderedDict, deque
from threading import Lock

MOST = 10
SECONDS = 60.0
SHARES_KEPT = 10_000


class Tries:
    """The last tries of each share, newest shares last."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._gate = Lock()

    def take(self, share: str) -> bool:
        """Note a try at a share, by its token's hash, and return whether it may be made."""
        at = time.monotonic()
        with self._gate:
            times = self._times.setdefault(share, deque(maxlen=MOST))
            self._times.move_to_end(share)
            if len(self._times) > SHARES_KEPT:
                self._times.popitem(last=False)
            if len(times) == MOST and at - times[0] < SECONDS:
                return False
            times.append(at)
            return True
