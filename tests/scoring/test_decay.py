"""The arithmetic of forward decay."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.scoring.decay import REBASE_HALF_LIVES, count_half_lives, fade, find_rebase, move_landmark, weigh
from tests.scoring.conftest import START

HALF_LIVES = st.floats(24, 24 * 365)
GIVEN = st.lists(st.tuples(st.floats(-1000, 1000), st.integers(0, 10 * 365 * 24 * 3600)), min_size=1, max_size=30)
EPSILON = 1e-9


def store(given: list[tuple[float, int]], half_life_hours: float) -> float:
    return sum(weigh(points, START + timedelta(seconds=at), START, half_life_hours) for points, at in given)


def backward(given: list[tuple[float, int]], half_life_hours: float, seconds: int) -> float:
    """Return the score by its definition: every event faded on its own."""
    return sum(points * 2 ** (-(seconds - at) / 3600 / half_life_hours) for points, at in given)


@given(GIVEN, st.floats(24 * 14, 24 * 365), st.integers(0, 10 * 365 * 24 * 3600))
def test_the_stored_value_means_the_score_by_definition(
    given: list[tuple[float, int]], half_life_hours: float, later: int
) -> None:
    seconds = max(at for _points, at in given) + later
    score = fade(store(given, half_life_hours), START, START + timedelta(seconds=seconds), half_life_hours)
    largest = sum(abs(points) for points, _at in given)
    assert score == pytest.approx(backward(given, half_life_hours, seconds), rel=1e-6, abs=largest * EPSILON)


@given(GIVEN, GIVEN, st.floats(24 * 14, 24 * 365), st.integers(0, 365 * 24 * 3600))
def test_the_order_of_stored_values_is_the_order_of_scores_at_any_later_time(
    one: list[tuple[float, int]], other: list[tuple[float, int]], half_life_hours: float, later: int
) -> None:
    seconds = max(at for _points, at in one + other) + later
    scores = [backward(given, half_life_hours, seconds) for given in (one, other)]
    values = [store(given, half_life_hours) for given in (one, other)]
    scale = sum(abs(points) * 2 ** (-(seconds - at) / 3600 / half_life_hours) for points, at in one + other)
    if abs(scores[0] - scores[1]) > EPSILON * scale:
        assert (values[0] > values[1]) == (scores[0] > scores[1])


@given(HALF_LIVES, st.integers(0, 50_000))
def test_what_is_added_after_a_rebase_never_overflows(half_life_hours: float, half_lives: int) -> None:
    at = START + timedelta(hours=half_lives * half_life_hours) if half_lives * half_life_hours < 5e7 else START
    moved = move_landmark(START, find_rebase(START, at, half_life_hours), half_life_hours)
    assert count_half_lives(moved, at, half_life_hours) <= REBASE_HALF_LIVES
    assert weigh(1000, at, moved, half_life_hours) < 1e160


def test_a_landmark_stays_while_the_value_fits() -> None:
    assert find_rebase(START, START + timedelta(days=499), 24.0) == 0
    assert find_rebase(START, START + timedelta(days=501, hours=6), 24.0) == 501
