"""Runs one command under limits, as a program of its own: python jailed.py '{"seconds": …}' -- command …

It gives away what the command must not have, then becomes it: time on the processor, memory, the size of files, the
network (seccomp), every file that is not named (Landlock). It prints nothing, and imports nothing of ours.
"""

import ctypes
import json
import os
import platform
import resource
import signal
import struct
import sys

PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
MODE_FILTER = 2
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x80000000
EPERM, ENOSYS = 1, 38
AF_UNIX = 1
# By machine: its audit number, and those of socket, io_uring_setup, ptrace, setsid, setpgid and connect.
SYSCALLS = {
    "x86_64": (0xC000003E, 41, 425, 101, 112, 109, 42),
    "aarch64": (0xC00000B7, 198, 425, 117, 157, 154, 203),
}
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
HANDLED = (1 << 13) - 1  # all rights of Landlock's first version
READ = 0b1101  # run, read files, list folders
READ_FILE = 0b101
NICENESS = 10


def main() -> None:
    """Read the limits, take them, and become the command."""
    limits, command = json.loads(sys.argv[1]), sys.argv[3:]
    os.nice(NICENESS)
    _limit(limits)
    held = take_locks(limits["read"], limits["write"])
    if not set(limits["needs"]) <= held:
        sys.exit(126)
    os.execvp(command[0], command)  # noqa: S606 - our own commands


def _limit(limits: dict[str, int]) -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"], limits["cpu_seconds"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits["file_bytes"], limits["file_bytes"]))
    if limits["address_bytes"]:
        resource.setrlimit(resource.RLIMIT_AS, (limits["address_bytes"], limits["address_bytes"]))


def take_locks(read: list[str], write: list[str]) -> set[str]:
    """Give up files and network, and return which of the two this machine can hold."""
    if sys.platform != "linux":
        return set()
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    held = {"files"} if _lock_files(read, write) else set()
    return held | ({"network"} if _lock_network() else set())


def _lock_files(read: list[str], write: list[str]) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = struct.pack("Q", HANDLED)
    rules = libc.syscall(LANDLOCK_CREATE, attributes, len(attributes), 0)
    if rules < 0:
        return False
    for path, rights in [*((path, READ) for path in read), *((path, HANDLED) for path in write)]:
        try:
            handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        allowed = rights if os.path.isdir(path) else rights & (READ_FILE | 0b10)
        if libc.syscall(LANDLOCK_ADD, rules, 1, struct.pack("=Qi", allowed, handle), 0) < 0:
            return False
        os.close(handle)
    return bool(libc.syscall(LANDLOCK_RESTRICT, rules, 0) == 0)


def _lock_network() -> bool:
    known = SYSCALLS.get(platform.machine())
    if known is None:
        return False
    machine, socket, io_uring, *others = known
    program = b"".join(
        [
            _step(0x20, 4),  # the machine
            _step(0x15, machine, 1, 0),
            _step(0x06, KILL),
            _step(0x20, 0),  # the call
            _step(0x35, 0x40000000, 9, 0),  # the x32 numbers of x86_64: refused
            _step(0x15, io_uring, 8, 0),
            *(_step(0x15, number, 7 - place, 0) for place, number in enumerate(others, 1)),
            _step(0x15, socket, 0, 4),
            _step(0x20, 16),  # its first argument, the family of addresses
            _step(0x15, AF_UNIX, 2, 0),
            _step(0x06, REFUSE | EPERM),
            _step(0x06, REFUSE | ENOSYS),
            _step(0x06, ALLOW),
        ]
    )
    buffer = ctypes.create_string_buffer(program)
    bpf = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    return _prctl(PR_SET_SECCOMP, MODE_FILTER, bpf) == 0


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _prctl(*values: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.prctl(*values, *([0] * (5 - len(values)))))


if __name__ == "__main__":
    main()
