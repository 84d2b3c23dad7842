"""What an examination says: one line a fact, and for a problem the way out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was examined; `advice` says what to do where it is not well."""

    name: str
    is_well: bool
    message: str
    advice: str = ""

    def __str__(self) -> str:
        word = "ok" if self.is_well else "problem"
        return f"{word:<8} {self.name}: {self.message}." + (f"\n{'':<9}→ {self.advice}" if self.advice else "")


def good(name: str, message: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(name, True, message)


def problem(name: str, message: str, advice: str) -> Finding:
    """Return a finding that somebody must act on, as `advice` says."""
    return Finding(name, False, message, advice)
