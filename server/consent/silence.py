"""Which copies say nothing of their readers: set when a mail is written, and at once when somebody objects.

A silent copy carries no pixel and no wrapped link, and what already left with one is not recorded any more; its links
still lead to their targets. One who objects silences a copy that others share.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from server.accounts.models import Workspace
from server.consent.fingerprints import hash_address, hash_addresses
from server.consent.models import Answer, Mode, TrackingChoice
from server.consent.policy import Policy, apply_policy, policy_for
from server.gmail.models import Mailbox
from server.messages.models import Copy, Message, Recipient, Silence
from server.people.models import PersonAddress


def prepare(session: Session, mailbox: Mailbox, message: Message) -> Policy:
    """Let a new message keep the policy of its mailbox, and silence those of its copies that must be; return it."""
    policy = policy_for(session, mailbox)
    apply_policy(message, policy)
    message.has_honeypot = session.get_one(Workspace, message.workspace_id).sets_honeypots
    session.add(message)
    session.flush()
    rows = session.exec(select(Recipient.copy_id, Recipient.address).where(Recipient.message_id == message.id)).all()
    choices = find_choices(session, message.workspace_id, {address for _copy_id, address in rows})
    answers: dict[int, list[Answer | None]] = {}
    for copy_id, address in rows:
        answers.setdefault(copy_id, []).append(choices.get(address.lower()))
    for copy_id, of_copy in answers.items():
        if silence := _find_silence(policy, of_copy):
            session.get_one(Copy, copy_id).silence = silence
    session.flush()
    return policy


def find_silence(session: Session, mailbox: Mailbox, message: Message, addresses: Collection[str]) -> Silence:
    """Return what a copy of `message` to these addresses must not tell, where it is added later than the rest."""
    choices = find_choices(session, message.workspace_id, addresses)
    return _find_silence(policy_for(session, mailbox), [choices.get(address.lower()) for address in addresses])


def _find_silence(policy: Policy, answers: Collection[Answer | None]) -> Silence:
    if Answer.WITHDRAWN in answers:
        return Silence.ALL
    needs_consent = policy.pixels_need_consent and policy.mode == Mode.INDIVIDUAL
    return Silence.VIEWS if needs_consent and None in answers else Silence.NONE


def find_choices(session: Session, workspace_id: int, addresses: Collection[str]) -> dict[str, Answer]:
    """Return what those of `addresses` (answered in lower case) who said anything said about tracking."""
    known = hash_addresses(addresses)
    chosen = select(TrackingChoice.address_hash, TrackingChoice.answer).where(
        TrackingChoice.workspace_id == workspace_id, col(TrackingChoice.address_hash).in_(known)
    )
    return {known[digest]: Answer(answer) for digest, answer in session.exec(chosen)} if known else {}


def choose(session: Session, workspace_id: int, address: str, answer: Answer) -> None:
    """Store what an address says about tracking; an objection silences everything that was ever sent to it."""
    for digest in hash_addresses([address]):  # also the row that an older key made
        if (row := session.get(TrackingChoice, (workspace_id, digest))) is not None:
            row.answer = answer
            session.add(row)
            break
    else:
        session.add(TrackingChoice(workspace_id=workspace_id, address_hash=hash_address(address), answer=answer))
    session.flush()
    if answer == Answer.WITHDRAWN:
        silence_address(session, workspace_id, address)


def silence_address(session: Session, workspace_id: int, address: str) -> None:
    """Silence each copy that went, or will go, to the person of the workspace who holds `address`."""
    holder = select(PersonAddress.person_id).where(
        PersonAddress.workspace_id == workspace_id, PersonAddress.email == address.strip().lower()
    )
    silence_copies(session, select(Recipient.copy_id).where(col(Recipient.person_id).in_(holder)))


def silence_copies(session: Session, ids: Collection[int] | Any) -> None:
    """Silence the copies that a collection of ids, or a query of them, names."""
    session.execute(
        update(Copy).where(col(Copy.id).in_(ids)).values(silence=Silence.ALL),
        execution_options={"synchronize_session": False},
    )


def list_addresses(session: Session, workspace_id: int, address: str) -> list[str]:
    """Return all addresses of the person who holds `address`, this one first; only itself where nobody does."""
    address = address.strip().lower()
    holder = select(PersonAddress.person_id).where(
        PersonAddress.workspace_id == workspace_id, PersonAddress.email == address
    )
    others = select(PersonAddress.email).where(
        col(PersonAddress.person_id).in_(holder), PersonAddress.email != address
    ).order_by(col(PersonAddress.id))  # fmt: skip
    return [address, *session.exec(others)]
