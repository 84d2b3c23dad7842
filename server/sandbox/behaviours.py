"""What each simulated recipient does with a letter, and how long after it came."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from server.sandbox import cast, visits
from server.sandbox.letters import Letter
from server.sandbox.visits import Agent


@dataclass(frozen=True, slots=True)
class Look:
    """Load the letter's images."""

    agent: Agent


@dataclass(frozen=True, slots=True)
class Click:
    """Follow one link, by its place among the letter's links."""

    agent: Agent
    index: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """Write back, from `account`; automatically (RFC 3834) where the person is away."""

    account: str
    is_automatic: bool = False


Act = Look | Click | Answer
Plan = Iterator[tuple[float, Act]]


def plan(letter: Letter, chance: Random) -> list[tuple[float, Act]]:
    """Return what the letter's recipient does: seconds from now, and the act. Nobody answers a machine."""
    behave = BEHAVIOURS.get(letter.account)
    return [] if behave is None or letter.is_automatic else list(behave(letter, chance))


def find_agent(account: str) -> Agent | None:
    """Return the agent with which this recipient looks again later, or None for one who never does."""
    return LATER_AGENTS.get(account)


def _let_colleague_answer(_letter: Letter, chance: Random) -> Plan:
    start = chance.uniform(2, 4)
    yield start, Look(visits.SANTA_MONICA)
    yield start + chance.uniform(2, 4), Click(visits.SANTA_MONICA)
    yield start + chance.uniform(10, 16), Answer(cast.KEVIN.email)


def _read_and_answer(letter: Letter, chance: Random) -> Plan:
    if cast.FLYNN.email in letter.recipients:
        return  # he answers for Flynn already
    start = chance.uniform(3, 6)
    yield start, Look(visits.SANTA_MONICA)
    yield start + chance.uniform(3, 5), Click(visits.SANTA_MONICA)
    yield start + chance.uniform(9, 15), Answer(letter.account)


def _answer_unseen(letter: Letter, chance: Random) -> Plan:
    yield chance.uniform(12, 20), Answer(letter.account)


def _read_behind_apple(_letter: Letter, chance: Random) -> Plan:
    yield chance.uniform(1, 2), Look(visits.APPLE)
    yield chance.uniform(15, 25), Click(visits.PARIS)


def _read_in_gmail(_letter: Letter, chance: Random) -> Plan:
    start = chance.uniform(3, 6)
    yield start, Look(visits.GMAIL)
    yield start + chance.uniform(5, 9), Click(visits.PARIS)
    yield start + chance.uniform(35, 50), Look(visits.GMAIL)


def _read_at_two_places(_letter: Letter, chance: Random) -> Plan:
    start = chance.uniform(4, 7)
    yield start, Look(visits.BERLIN)
    yield start + chance.uniform(12, 25), Look(visits.HAMBURG)


def _read_after_scanner(letter: Letter, chance: Random) -> Plan:
    start = chance.uniform(1, 2)
    yield start, Look(visits.SCANNER)
    for index, _link in enumerate(letter.links):
        yield start + 0.1 + index * 0.1, Click(visits.SCANNER_HEAD, index)
        yield start + 0.15 + index * 0.1, Click(visits.SCANNER, index)
    start = chance.uniform(18, 30)
    yield start, Look(visits.BENGALURU)
    yield start + chance.uniform(4, 9), Click(visits.BENGALURU)


def _be_away(letter: Letter, chance: Random) -> Plan:
    yield chance.uniform(1, 2), Answer(letter.account, is_automatic=True)


BEHAVIOURS: dict[str, Callable[[Letter, Random], Plan]] = {
    cast.FLYNN.email: _let_colleague_answer,
    cast.KEVIN.email: _read_and_answer,
    cast.ALAN.email: _answer_unseen,
    cast.LORA.email: _read_behind_apple,
    cast.INES.email: _read_in_gmail,
    cast.JONAS.email: _read_at_two_places,
    cast.PRIYA.email: _read_after_scanner,
    cast.HANNAH.email: _be_away,
}
LATER_AGENTS = {
    cast.FLYNN.email: visits.SANTA_MONICA,
    cast.KEVIN.email: visits.SANTA_MONICA,
    cast.INES.email: visits.GMAIL,
    cast.JONAS.email: visits.HAMBURG,
    cast.PRIYA.email: visits.BENGALURU,
}
