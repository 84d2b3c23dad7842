"""What processes use, as Linux tells it: their own memory (PSS: what is shared is divided) and processor time."""

import os
from pathlib import Path

PROC = Path("/proc")


def find_family(pid: int) -> list[int]:
    """Return `pid` with all that descend from it and still run."""
    parents: dict[int, int] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit() and (fields := _read_stat(int(folder.name))):
            parents[int(folder.name)] = int(fields[1])
    family = [pid]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    return family


def find_memory_kb(pid: int) -> int:
    """Return the memory of `pid` and all that descend from it."""
    return sum(_read_pss_kb(member) for member in find_family(pid))


def find_seconds(pid: int) -> float:
    """Return the processor seconds that `pid` and all that descend from it have used."""
    ticks = os.sysconf("SC_CLK_TCK")
    stats = [fields for member in find_family(pid) if (fields := _read_stat(member))]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / ticks


def _read_stat(pid: int) -> list[str]:
    """Return the fields of proc(5)'s `stat` behind the name: the state is the first, the parent the second."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _read_pss_kb(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
