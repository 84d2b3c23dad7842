"""Forward decay (Cormode, Shkapenyuk, Srivastava, Xu: "Forward Decay", ICDE 2009, section 3), as plain arithmetic.

score(t) = Σ wᵢ·2^(−(t−tᵢ)/h) = 2^(−(t−L)/h) · Σ wᵢ·2^((tᵢ−L)/h). The second factor is what is stored: it does not
depend on t, so it never needs refreshing, an event adds to it, and its order is the order of scores at any time.
"""

from datetime import datetime, timedelta

REBASE_HALF_LIVES = 500  # a double holds 1,023 of them
HOUR_SECONDS = 3600.0


def count_half_lives(since: datetime, until: datetime, half_life_hours: float) -> float:
    """Return how many half-lives lie between two times; negative where `until` is the earlier one."""
    return (until - since).total_seconds() / (half_life_hours * HOUR_SECONDS)


def weigh(points: float, at: datetime, landmark_at: datetime, half_life_hours: float) -> float:
    """Return what `points` given `at` a time add to the stored value."""
    return float(points * 2.0 ** count_half_lives(landmark_at, at, half_life_hours))


def fade(value: float, landmark_at: datetime, at: datetime, half_life_hours: float) -> float:
    """Return the score that a stored `value` means `at` a time."""
    return float(value * 2.0 ** -count_half_lives(landmark_at, at, half_life_hours))


def find_rebase(landmark_at: datetime, at: datetime, half_life_hours: float) -> int:
    """Return by how many half-lives the landmark is to move before something of `at` is added; 0 while it fits."""
    half_lives = count_half_lives(landmark_at, at, half_life_hours)
    return int(half_lives) if half_lives > REBASE_HALF_LIVES else 0


def move_landmark(landmark_at: datetime, half_lives: int, half_life_hours: float) -> datetime:
    """Return the landmark `half_lives` later."""
    return landmark_at + timedelta(hours=half_lives * half_life_hours)
