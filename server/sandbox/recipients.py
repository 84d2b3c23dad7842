"""The simulated recipients: they find new mail in their mailboxes and act on it, each in their own way and time."""

import heapq
import time
from collections import deque
from collections.abc import Callable
from http.client import HTTPException
from itertools import count
from random import Random

import requests
import structlog
from google.auth.exceptions import GoogleAuthError
from googleapiclient.errors import HttpError
from httplib2.error import HttpLib2Error
from sqlalchemy.exc import SQLAlchemyError

from server.config import get_settings
from server.db import get_db
from server.keys import Keyring
from server.sandbox import answers, behaviours
from server.sandbox.behaviours import Act, Answer, Click, Look
from server.sandbox.letters import Letter
from server.sandbox.mailboxes import Mailboxes
from server.sandbox.switch import are_recipients_on
from server.sandbox.visits import fetch

TICK_SECONDS = 0.25
POLL_SECONDS = 1.0
REMEMBERED_LETTERS = 50
RETURN_SECONDS = (15.0, 1800.0)
RETURN_SHARE = 0.1  # a letter ten minutes old is looked at again about once a minute
RETURN_CLICKS = 0.3
AWAY_SECONDS = 5.0
FAILURES = (HttpError, HttpLib2Error, HTTPException, GoogleAuthError, requests.RequestException, OSError)

log = structlog.get_logger()


class Recipients:
    """All recipients of one stand-in: their plans, and the letters to which they may return. Times are monotonic."""

    def __init__(self, mailboxes: Mailboxes, chance: Random, now: float) -> None:
        self.mailboxes = mailboxes
        self.chance = chance
        self.keys = Keyring.load(mailboxes.settings)
        self.client = requests.Session()
        self.client.trust_env = False
        self._plans: list[tuple[float, int, Letter, Act]] = []
        self._number = count()
        self._letters: deque[Letter] = deque(maxlen=REMEMBERED_LETTERS)
        self._newest_at = self._poll_at = now
        self._return_at = now + RETURN_SECONDS[0]

    def close(self) -> None:
        """Close the connections to the edge."""
        self.client.close()

    def remember(self) -> None:
        """Read what came before this process began, so that somebody may return to it."""
        for account in behaviours.LATER_AGENTS:
            self._letters.extend(letter for letter in self.mailboxes.list_recent(account) if letter.images)

    def forget_plans(self) -> None:
        """Drop everything that was going to happen."""
        self._plans.clear()

    def step(self, now: float, may_act: Callable[[], bool]) -> None:
        """Do everything that it is time for."""
        if now >= self._poll_at:
            self._poll_at = now + POLL_SECONDS
            self.look_for_mail(now)
        if now >= self._return_at:
            self.plan_return(now)
        self.act(now, may_act)

    def look_for_mail(self, now: float) -> None:
        """Read what is new in all mailboxes and plan what becomes of it."""
        for account in behaviours.BEHAVIOURS:
            for letter in self.mailboxes.take_new(account):
                self._plan(letter, now)

    def act(self, now: float, may_act: Callable[[], bool]) -> None:
        """Do what is due by `now`, asking `may_act` before each act; once it says no, all plans are dropped."""
        while self._plans and self._plans[0][0] <= now:
            if not may_act():
                self.forget_plans()
                return
            _at, _number, letter, act = heapq.heappop(self._plans)
            self._do(letter, act)

    def _plan(self, letter: Letter, now: float) -> None:
        for seconds, act in behaviours.plan(letter, self.chance):
            heapq.heappush(self._plans, (now + seconds, next(self._number), letter, act))
        if letter.images and behaviours.find_agent(letter.account):
            self._letters.append(letter)
            self._newest_at = now

    def plan_return(self, now: float) -> None:
        """Let somebody look again at a letter, and say when the next one may: the older the mail, the later."""
        least, most = RETURN_SECONDS
        pause = min(most, max(least, (now - self._newest_at) * RETURN_SHARE))
        self._return_at = now + pause * self.chance.uniform(0.7, 1.3)
        if not self._letters:
            return
        letter = self.chance.choice(self._letters)
        if agent := behaviours.find_agent(letter.account):
            act = Click(agent) if letter.links and self.chance.random() < RETURN_CLICKS else Look(agent)
            heapq.heappush(self._plans, (now, next(self._number), letter, act))

    def _do(self, letter: Letter, act: Act) -> None:
        if isinstance(act, Answer):
            self._answer(letter, act)
        elif isinstance(act, Look):
            for url in letter.images:
                fetch(self.client, self.keys, act.agent, url)
        elif act.index < len(letter.links):
            fetch(self.client, self.keys, act.agent, letter.links[act.index])

    def _answer(self, letter: Letter, act: Answer) -> None:
        if act.is_automatic:
            self.mailboxes.send(act.account, answers.make_automatic_reply(letter, act.account), None)
        elif not self.mailboxes.has_answered(letter):
            thread_id = letter.thread_id if act.account == letter.account else None
            self.mailboxes.send(act.account, answers.make_reply(letter, act.account, self.chance), thread_id)


def run_recipients() -> None:
    """Act for ever, in the current app's context, while the switch is on."""
    with Mailboxes(get_settings()) as mailboxes:
        recipients = Recipients(mailboxes, Random(), time.monotonic())  # noqa: S311 - people, not secrets
        knows_past = False
        while True:
            try:
                if _may_act():
                    if not knows_past:
                        recipients.remember()
                        knows_past = True
                    recipients.step(time.monotonic(), _may_act)
                else:
                    recipients.forget_plans()
            except (*FAILURES, SQLAlchemyError) as error:
                log.warning("the simulated recipients pause", error=type(error).__name__)
                mailboxes.forget_tokens()
                time.sleep(AWAY_SECONDS)
            time.sleep(TICK_SECONDS)


def _may_act() -> bool:
    with get_db().session(write=False) as session:
        return are_recipients_on(session)
