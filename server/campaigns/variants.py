"""Variants of a step: who gets which, how each does, and when one may be called the winner.

The assignment is a hash of step and person, so that it is the same whoever asks. A winner is named once every variant
has `Campaign.winner_sample` mails sent and the best one's reply rate (click rate where nobody replied) beats the next
one's at p < 0.05 in a two-proportion z-test; from then on everybody gets it.
"""

import hashlib
import math
from dataclasses import dataclass

from sqlalchemy import Table, and_, case, func, select
from sqlmodel import Session, col

from server.campaigns.models import Campaign, CampaignState, Delivery, DeliveryState, Step, Variant
from server.campaigns.notices import tell
from server.messages.models import Copy

COPY: Table = Copy.__table__  # type: ignore[attr-defined]
DELIVERY: Table = Delivery.__table__  # type: ignore[attr-defined]
VARIANT: Table = Variant.__table__  # type: ignore[attr-defined]
SIGNIFICANT_Z = 1.96  # two-sided, p < 0.05


@dataclass(frozen=True, slots=True)
class Result:
    """How a variant did: mails sent, and how many people replied, clicked, viewed."""

    variant_id: int
    sent: int
    replied: int
    clicked: int
    viewed: int


def choose(session: Session, step: Step, person_id: int) -> Variant | None:
    """Return the variant that this person gets: the winner where there is one."""
    if step.winner_id is not None and (winner := session.get(Variant, step.winner_id)) is not None:
        return winner
    every = list(session.scalars(select(Variant).where(col(Variant.step_id) == step.id).order_by(col(Variant.label))))
    if not every:
        return None
    digest = hashlib.sha256(f"{step.id}/{person_id}".encode()).digest()
    return every[int.from_bytes(digest[:8], "big") % len(every)]


def read_results(session: Session, step_id: int) -> list[Result]:
    """Return how each variant of a step has done."""
    sent = and_(DELIVERY.c.state.in_((DeliveryState.SENT, DeliveryState.BOUNCED)))
    rows = session.execute(
        select(
            DELIVERY.c.variant_id,
            func.count(),
            func.sum(case((COPY.c.replies > 0, 1), else_=0)),
            func.sum(case((COPY.c.clicks > 0, 1), else_=0)),
            func.sum(case((COPY.c.views > 0, 1), else_=0)),
        )
        .join(COPY, COPY.c.id == DELIVERY.c.copy_id)
        .where(DELIVERY.c.step_id == step_id, sent, DELIVERY.c.variant_id.is_not(None))
        .group_by(DELIVERY.c.variant_id)
    )
    return [Result(*row) for row in rows]


def find_winner(results: list[Result], variants: int, sample: int) -> int | None:
    """Return the id of the variant that is better beyond doubt, None while that is open."""
    if variants < 2 or len(results) < variants or any(one.sent < sample for one in results):
        return None
    counts = [(one.replied, one.sent, one.variant_id) for one in results]
    if not any(replied for replied, _sent, _id in counts):
        counts = [(one.clicked, one.sent, one.variant_id) for one in results]
    best, second = sorted(counts, key=lambda one: one[0] / one[1], reverse=True)[:2]
    return best[2] if _z(best[0], best[1], second[0], second[1]) > SIGNIFICANT_Z else None


def name_winners(session: Session) -> None:
    """Name the winner of each step of a running campaign whose variants are decided."""
    several = select(VARIANT.c.step_id).group_by(VARIANT.c.step_id).having(func.count() > 1)
    open_steps = (
        select(Step, Campaign)
        .join(Campaign, col(Campaign.id) == Step.campaign_id)
        .where(col(Campaign.state) == CampaignState.RUNNING, col(Step.winner_id).is_(None), col(Step.id).in_(several))
    )
    for step, campaign in session.execute(open_steps.limit(500)).all():
        variants = session.scalar(select(func.count()).where(col(Variant.step_id) == step.id)) or 0
        step.winner_id = find_winner(read_results(session, step.id), variants, campaign.winner_sample)
        if step.winner_id is not None:
            session.add(step)
            tell(session, campaign.id)
    session.flush()


def _z(won: int, sent: int, other_won: int, other_sent: int) -> float:
    pooled = (won + other_won) / (sent + other_sent)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / sent + 1 / other_sent))
    return (won / sent - other_won / other_sent) / spread if spread else 0.0
