"""How often one caller may ask: the one limiter. Counts stand in Redis, in this process's memory while it is away.

A route takes a limit with `@limiter.limit("10 per minute")`; a whole blueprint with `limiter.shared_limit(...)(bp)`.
"""

import time
from typing import Any

from flask import Flask, Response, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user

from server.keys import hash_token
from server.queue import Wakeups
from server.security import bearer_token


def find_caller() -> str:
    """Return who is counted: the bearer token, else the signed-in member, else the address."""
    member: Any = current_user
    if not member.is_authenticated:
        return f"address:{get_remote_address()}"
    if secret := bearer_token(request):
        return f"token:{hash_token(secret)}"
    return f"member:{member.get_id()}"


limiter = Limiter(find_caller, strategy="moving-window", in_memory_fallback_enabled=True, key_prefix="warmline")


def init_app(app: Flask) -> None:
    """Count the requests of `app` through its own connections to Redis."""
    wakeups: Wakeups = app.extensions["warmline_wakeups"]
    app.config["RATELIMIT_STORAGE_URI"] = "redis://"  # the pool knows the address
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"connection_pool": wakeups.redis.connection_pool}
    limiter.init_app(app)
    app.after_request(_say_when_to_come_back)


def _say_when_to_come_back(response: Response) -> Response:
    limit = limiter.current_limit
    if response.status_code == 429 and limit is not None:
        response.headers["Retry-After"] = str(max(1, int(limit.reset_at - time.time())))
    return response
