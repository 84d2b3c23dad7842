"""Databases, disks, Valkey and workers that go away, floods and poison, in short form: the whole is `make chaos`."""

from typing import Any

import pytest

from tests.performing import perform


def _perform(name: str, *options: str) -> dict[str, Any]:
    [figures] = perform(f"chaos/{name}.py", "--seed", "1", *options)
    return figures


@pytest.mark.chaos
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_mail_is_read_as_ever_while_the_database_is_away(database: str) -> None:
    figures = _perform("database_away", "--away", "3", "--click-seconds", "5", "--database", database)
    assert (figures["lost"], figures["doubled"]) == (0, 0)
    assert set(figures["answers"]) == {"pixel 200", "click 302"}


@pytest.mark.chaos
def test_a_full_disk_counts_what_it_acknowledges_and_links_lead_on() -> None:
    figures = _perform("disk_full", "--full", "2")
    assert figures["during"]["click 302"] > 0
    assert figures["during"]["pixel 503"] > 0


@pytest.mark.chaos
def test_mail_goes_out_once_whatever_becomes_of_valkey() -> None:
    figures = _perform("wakeups", "--sends", "20", "--kills", "1", "--flushes", "1", "--hangs", "1", "--away", "2")
    assert (figures["lost"], figures["doubled"]) == (0, 0)


@pytest.mark.chaos
def test_mail_goes_out_once_where_workers_die_and_a_deadly_one_is_set_aside() -> None:
    figures = _perform("workers", "--rounds", "1", "--points", "pop,effect", "--stops", "0")
    assert (figures["lost"], figures["doubled"], figures["set_aside"]) == (0, 0, 1)


@pytest.mark.chaos
def test_cut_streams_bring_every_row_once() -> None:
    figures = _perform("streams", "--events", "200", "--cuts", "10", "--kills", "1")
    assert figures["clients_with_other_rows"] == 0


@pytest.mark.chaos
def test_what_can_be_read_arrives_among_what_cannot() -> None:
    figures = _perform("poison", "--records", "300", "--pushes", "12")
    assert figures["stored"] == figures["good"]


@pytest.mark.chaos
def test_a_flood_on_one_mail_keeps_its_sum_and_harms_no_other() -> None:
    figures = _perform("floods", "--hits", "1500", "--within", "2", "--slow-seconds", "3", "--goal-ms", "3000")
    assert figures["rows"] + figures["repeats"] == figures["flood"]


@pytest.mark.chaos
def test_nothing_foreign_in_the_queue_is_run() -> None:
    assert not _perform("pickles", "--pushes", "30")["unpickled"]
