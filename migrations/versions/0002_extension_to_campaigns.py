"""Tables and columns of the extension, documents, consent, honest views and campaigns.

Revision: 0002, after: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("ids", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("let_go_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job", "ids"),
    )
    with op.batch_alter_table("dead_letter", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dead_letter_set_aside_at"), ["set_aside_at"], unique=False)

    op.create_table(
        "campaign_event_cursor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("last_event_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "lab_run",
        sa.Column("scenario", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("copy_id", sa.Integer(), nullable=True),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.Column("reading", sa.String(), nullable=False),
        sa.Column("matches", sa.Boolean(), nullable=True),
        sa.Column("failure", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("scenario"),
    )
    with op.batch_alter_table("lab_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lab_run_state"), ["state"], unique=False)

    op.create_table(
        "erasure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "legal_text",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("workspace_id", "locale"),
    )
    op.create_table(
        "soft_bounces",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("workspace_id", "address"),
    )
    op.create_table(
        "suppression",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("address_hash", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("suppressed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("workspace_id", "address_hash"),
    )
    with op.batch_alter_table("suppression", schema=None) as batch_op:
        batch_op.create_index("ix_suppression_newest", ["workspace_id", "suppressed_at", "id"], unique=False)

    op.create_table(
        "tracking_choice",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("address_hash", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("workspace_id", "address_hash"),
    )
    op.create_table(
        "verdict_replay",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_dry", sa.Boolean(), nullable=False),
        sa.Column("rules", sa.String(), nullable=False),
        sa.Column("copy_cursor", sa.Integer(), nullable=False),
        sa.Column("event_cursor", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("moves", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "workspace_policy",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("pixels_need_consent", sa.Boolean(), nullable=False),
        sa.Column("has_notice", sa.Boolean(), nullable=False),
        sa.Column("unsubscribing", sa.String(), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=False),
        sa.Column("forgotten_event_id", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("workspace_id"),
    )
    op.create_table(
        "audience_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("workspace_id", "name"),
    )
    op.create_table(
        "consent_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("address_hash", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("text_shown", sa.Text(), nullable=False),
        sa.Column("text_version", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("ip_hash", sa.String(), nullable=False),
        sa.Column("agent_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("consent_entry", schema=None) as batch_op:
        batch_op.create_index("ix_consent_entry_address", ["workspace_id", "address_hash", "id"], unique=False)

    op.create_table(
        "document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sort_name", sa.String(), nullable=False),
        sa.Column("current_version_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("public_id"),
    )
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.create_index(
            "ix_document_deleted",
            ["deleted_at"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_document_member_id"), ["member_id"], unique=False)
        batch_op.create_index("ix_document_workspace_order", ["workspace_id", "id"], unique=False)

    op.create_table(
        "extension_preference",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("shows_marks", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.PrimaryKeyConstraint("member_id"),
    )
    op.create_table(
        "feed_cursor",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.PrimaryKeyConstraint("member_id"),
    )
    op.create_table(
        "signature",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("member_id", "name"),
    )
    op.create_table(
        "template",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sort_name", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["member.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("template", schema=None) as batch_op:
        batch_op.create_index("ix_template_owner", ["owner_id", "sort_name", "id"], unique=False)
        batch_op.create_index("ix_template_shared", ["workspace_id", "is_shared", "sort_name", "id"], unique=False)

    op.create_table(
        "thread_opening",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("gmail_thread_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("thread_opening", schema=None) as batch_op:
        batch_op.create_index("ix_thread_opening_at", ["at"], unique=False)
        batch_op.create_index("ix_thread_opening_thread", ["gmail_thread_id", "member_id", "at"], unique=False)

    op.create_table(
        "backfill",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("beyond", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailbox_id"],
            ["mailbox.id"],
        ),
        sa.PrimaryKeyConstraint("mailbox_id"),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=True),
        sa.Column("audience", sa.JSON(), nullable=False),
        sa.Column("trigger", sa.JSON(), nullable=False),
        sa.Column("recurrence", sa.String(), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("window_start_minutes", sa.Integer(), nullable=False),
        sa.Column("window_end_minutes", sa.Integer(), nullable=False),
        sa.Column("zone_of", sa.String(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("per_day", sa.Integer(), nullable=False),
        sa.Column("stops_on_click", sa.Boolean(), nullable=False),
        sa.Column("stops_on_meeting", sa.Boolean(), nullable=False),
        sa.Column("pauses_company", sa.Boolean(), nullable=False),
        sa.Column("winner_sample", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailbox_id"],
            ["mailbox.id"],
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaign_member_id"), ["member_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_campaign_state"), ["state"], unique=False)
        batch_op.create_index("ix_campaign_workspace", ["workspace_id", "id"], unique=False)

    op.create_table(
        "document_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("failure", sa.String(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("pages_done", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["document.id"],
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("document_id", "number"),
    )
    with op.batch_alter_table("document_version", schema=None) as batch_op:
        batch_op.create_index("ix_document_version_state", ["state", "lease_until"], unique=False)

    op.create_table(
        "listed_person",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"],
            ["audience_list.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("list_id", "person_id"),
    )
    with op.batch_alter_table("listed_person", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_listed_person_person_id"), ["person_id"], unique=False)

    op.create_table(
        "mailbox_gap",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"],
            ["mailbox.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("mailbox_gap", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mailbox_gap_mailbox_id"), ["mailbox_id"], unique=False)
        batch_op.create_index("ix_mailbox_gap_workspace_id_end_at", ["workspace_id", "end_at"], unique=False)

    op.create_table(
        "mailbox_pace",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("last_slot_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slot_on", sa.Date(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("asks_on", sa.Date(), nullable=False),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"],
            ["mailbox.id"],
        ),
        sa.PrimaryKeyConstraint("mailbox_id"),
    )
    op.create_table(
        "mailbox_policy",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"],
            ["mailbox.id"],
        ),
        sa.PrimaryKeyConstraint("mailbox_id"),
    )
    op.create_table(
        "mailbox_signature",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("signature_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"],
            ["mailbox.id"],
        ),
        sa.ForeignKeyConstraint(
            ["signature_id"],
            ["signature.id"],
        ),
        sa.PrimaryKeyConstraint("mailbox_id"),
    )
    with op.batch_alter_table("mailbox_signature", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mailbox_signature_signature_id"), ["signature_id"], unique=False)

    op.create_table(
        "pairing_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("challenge", sa.String(), nullable=False),
        sa.Column("redirect", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.ForeignKeyConstraint(["token_id"], ["accesstoken.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code_hash"),
    )
    with op.batch_alter_table("pairing_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pairing_code_created_at"), ["created_at"], unique=False)

    op.create_table(
        "pending_mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("gmail_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"],
            ["mailbox.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("mailbox_id", "gmail_id"),
    )
    op.create_table(
        "attachment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachment_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_attachment_message_id"), ["message_id"], unique=False)

    op.create_table(
        "campaign_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("audience_size", sa.Integer(), nullable=False),
        sa.Column("prepared_to_id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("campaign_id", "number"),
    )
    with op.batch_alter_table("campaign_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaign_run_state"), ["state"], unique=False)

    op.create_table(
        "campaign_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("winner_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("campaign_id", "position"),
    )
    op.create_table(
        "page_figure",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("ms", sa.BigInteger(), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("ended", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.ForeignKeyConstraint(["version_id"], ["document_version.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("version_id", "member_id", "page"),
    )
    op.create_table(
        "step_variant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["step_id"],
            ["campaign_step.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("step_id", "label"),
    )
    op.create_table(
        "enrolment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("mailbox_id", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_reason", sa.String(), nullable=False),
        sa.Column("end_reason", sa.String(), nullable=False),
        sa.Column("end_detail", sa.String(), nullable=False),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
        ),
        sa.ForeignKeyConstraint(
            ["ended_by_id"],
            ["inbound_mail.id"],
        ),
        sa.ForeignKeyConstraint(
            ["mailbox_id"],
            ["mailbox.id"],
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["campaign_run.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run_id", "person_id"),
    )
    with op.batch_alter_table("enrolment", schema=None) as batch_op:
        batch_op.create_index("ix_enrolment_due", ["campaign_id", "state", "due_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_enrolment_paused_until"), ["paused_until"], unique=False)
        batch_op.create_index("ix_enrolment_person", ["person_id", "state"], unique=False)
        batch_op.create_index("ix_enrolment_run_address", ["run_id", "address"], unique=False)
        batch_op.create_index("ix_enrolment_run_state", ["run_id", "state", "position", "end_reason"], unique=False)

    op.create_table(
        "share",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("sealed_token", sa.LargeBinary(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("copy_id", sa.Integer(), nullable=True),
        sa.Column("recipient_id", sa.Integer(), nullable=True),
        sa.Column("is_counted", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("asks_for_email", sa.Boolean(), nullable=False),
        sa.Column("allow_download", sa.Boolean(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["copy_id"], ["copy.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["document.id"],
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["share.id"],
        ),
        sa.ForeignKeyConstraint(["recipient_id"], ["recipient.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("copy_id", "parent_id"),
        sa.UniqueConstraint("token_hash"),
    )
    with op.batch_alter_table("share", schema=None) as batch_op:
        batch_op.create_index("ix_share_document", ["document_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_share_recipient_id"), ["recipient_id"], unique=False)

    op.create_table(
        "step_message",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("variant_id", sa.Integer(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"],
            ["mailbox.id"],
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["campaign_run.id"],
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"],
            ["step_variant.id"],
        ),
        sa.PrimaryKeyConstraint("run_id", "variant_id", "mailbox_id"),
        sa.UniqueConstraint("message_id"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("enrolment_id", sa.Integer(), nullable=False),
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("variant_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("copy_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slot_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
        ),
        sa.ForeignKeyConstraint(
            ["copy_id"],
            ["copy.id"],
        ),
        sa.ForeignKeyConstraint(
            ["enrolment_id"],
            ["enrolment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["campaign_run.id"],
        ),
        sa.ForeignKeyConstraint(
            ["step_id"],
            ["campaign_step.id"],
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"],
            ["step_variant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("enrolment_id", "step_id"),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_campaign_id"), ["campaign_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_copy_id"), ["copy_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_person_id"), ["person_id"], unique=False)
        batch_op.create_index(
            "ix_delivery_run_step", ["run_id", "step_id", "state", "reason", "category"], unique=False
        )
        batch_op.create_index("ix_delivery_state", ["state", "id"], unique=False)
        batch_op.create_index("ix_delivery_step_variant", ["step_id", "variant_id"], unique=False)

    op.create_table(
        "document_visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("share_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("candidates", sa.JSON(), nullable=False),
        sa.Column("is_claimed", sa.Boolean(), nullable=False),
        sa.Column("device_key", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("place_city", sa.String(), nullable=True),
        sa.Column("place_country", sa.String(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("reading_ms", sa.BigInteger(), nullable=False),
        sa.Column("pages_read", sa.Integer(), nullable=False),
        sa.Column("furthest_page", sa.Integer(), nullable=False),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
        ),
        sa.ForeignKeyConstraint(["share_id"], ["share.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["version_id"], ["document_version.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("document_visit", schema=None) as batch_op:
        batch_op.create_index("ix_document_visit_address", ["workspace_id", "address", "id"], unique=False)
        batch_op.create_index("ix_document_visit_document", ["document_id", "member_id", "id"], unique=False)
        batch_op.create_index("ix_document_visit_share", ["share_id", "last_at"], unique=False)

    op.create_table(
        "sitting",
        sa.Column("load", sa.String(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("page_ms", sa.JSON(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["document_visit.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("load", "part"),
    )
    with op.batch_alter_table("sitting", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sitting_heard_at"), ["heard_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sitting_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "visit_page",
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("ms", sa.BigInteger(), nullable=False),
        sa.Column("is_read", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["document_visit.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("visit_id", "page"),
    )
    op.create_table(
        "campaign_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=True),
        sa.Column("enrolment_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"]),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"]),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_campaign_change_campaign", "campaign_change", ["campaign_id", "id"], unique=False)

    op.add_column("copy", sa.Column("subject", sa.Text(), nullable=False, server_default=""))
    op.add_column("copy", sa.Column("fields", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("copy", sa.Column("waits_for_sync", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column(
        "copy", sa.Column("follows_id", sa.Integer(), sa.ForeignKey("copy.id"), nullable=True), inline_references=True
    )
    op.add_column("copy", sa.Column("exclusion", sa.String(), nullable=False, server_default=""))
    op.add_column("copy", sa.Column("silence", sa.String(), nullable=False, server_default=""))
    op.add_column("copy", sa.Column("reading", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("copy", sa.Column("has_doubt", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("copy", sa.Column("repeats", sa.Integer(), nullable=False, server_default="0"))

    op.add_column("journal_cursor", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_journal_cursor_ended_at"), "journal_cursor", ["ended_at"], unique=False)

    op.add_column("mailbox", sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mailbox", sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mailbox", sa.Column("token_seconds", sa.Integer(), nullable=True))
    op.add_column("mailbox", sa.Column("is_paused", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("mailbox", sa.Column("tracks_by_default", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("mailbox", sa.Column("seen_until_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mailbox", sa.Column("blind_cause", sa.String(), nullable=False, server_default=""))

    op.add_column("message", sa.Column("source", sa.String(), nullable=False, server_default="app"))
    op.add_column("message", sa.Column("campaign_id", sa.Integer(), nullable=True))
    op.add_column("message", sa.Column("has_honeypot", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("message", sa.Column("has_attachments", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("message", sa.Column("policy", sa.String(), nullable=False, server_default="individual"))
    op.add_column("message", sa.Column("has_notice", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("message", sa.Column("has_unsubscribe", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("message", sa.Column("aggregate_views", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("message", sa.Column("aggregate_clicks", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("message", sa.Column("is_merged", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("message", sa.Column("fields", sa.JSON(), nullable=False, server_default="{}"))
    op.create_index(op.f("ix_message_campaign_id"), "message", ["campaign_id"], unique=False)

    op.add_column("person", sa.Column("time_zone", sa.String(), nullable=True))

    op.add_column("quarantined_mail", sa.Column("retry_wanted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("quarantined_mail", sa.Column("retried_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_quarantined_mail_retry_wanted_at"), "quarantined_mail", ["retry_wanted_at"], unique=False)

    op.add_column("workspace", sa.Column("sets_honeypots", sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade() -> None:
    op.drop_column("workspace", "sets_honeypots")

    op.drop_index(op.f("ix_quarantined_mail_retry_wanted_at"), table_name="quarantined_mail")
    op.drop_column("quarantined_mail", "retried_at")
    op.drop_column("quarantined_mail", "retry_wanted_at")

    op.drop_column("person", "time_zone")

    op.drop_index(op.f("ix_message_campaign_id"), table_name="message")
    op.drop_column("message", "fields")
    op.drop_column("message", "is_merged")
    op.drop_column("message", "aggregate_clicks")
    op.drop_column("message", "aggregate_views")
    op.drop_column("message", "has_unsubscribe")
    op.drop_column("message", "has_notice")
    op.drop_column("message", "policy")
    op.drop_column("message", "has_attachments")
    op.drop_column("message", "has_honeypot")
    op.drop_column("message", "campaign_id")
    op.drop_column("message", "source")

    op.drop_column("mailbox", "blind_cause")
    op.drop_column("mailbox", "seen_until_at")
    op.drop_column("mailbox", "tracks_by_default")
    op.drop_column("mailbox", "is_paused")
    op.drop_column("mailbox", "token_seconds")
    op.drop_column("mailbox", "warned_at")
    op.drop_column("mailbox", "granted_at")

    op.drop_index(op.f("ix_journal_cursor_ended_at"), table_name="journal_cursor")
    op.drop_column("journal_cursor", "ended_at")

    op.drop_column("copy", "repeats")
    op.drop_column("copy", "has_doubt")
    op.drop_column("copy", "reading")
    op.drop_column("copy", "silence")
    op.drop_column("copy", "exclusion")
    op.drop_column("copy", "follows_id")
    op.drop_column("copy", "waits_for_sync")
    op.drop_column("copy", "fields")
    op.drop_column("copy", "subject")

    op.drop_index("ix_campaign_change_campaign", table_name="campaign_change")
    op.drop_table("campaign_change")
    op.drop_table("visit_page")
    with op.batch_alter_table("sitting", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sitting_visit_id"))
        batch_op.drop_index(batch_op.f("ix_sitting_heard_at"))

    op.drop_table("sitting")
    with op.batch_alter_table("document_visit", schema=None) as batch_op:
        batch_op.drop_index("ix_document_visit_share")
        batch_op.drop_index("ix_document_visit_document")
        batch_op.drop_index("ix_document_visit_address")

    op.drop_table("document_visit")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_step_variant")
        batch_op.drop_index("ix_delivery_state")
        batch_op.drop_index("ix_delivery_run_step")
        batch_op.drop_index(batch_op.f("ix_delivery_person_id"))
        batch_op.drop_index(batch_op.f("ix_delivery_copy_id"))
        batch_op.drop_index(batch_op.f("ix_delivery_campaign_id"))

    op.drop_table("delivery")
    op.drop_table("step_message")
    with op.batch_alter_table("share", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_share_recipient_id"))
        batch_op.drop_index("ix_share_document")

    op.drop_table("share")
    with op.batch_alter_table("enrolment", schema=None) as batch_op:
        batch_op.drop_index("ix_enrolment_run_state")
        batch_op.drop_index("ix_enrolment_run_address")
        batch_op.drop_index("ix_enrolment_person")
        batch_op.drop_index(batch_op.f("ix_enrolment_paused_until"))
        batch_op.drop_index("ix_enrolment_due")

    op.drop_table("enrolment")
    op.drop_table("step_variant")
    op.drop_table("page_figure")
    op.drop_table("campaign_step")
    with op.batch_alter_table("campaign_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_campaign_run_state"))

    op.drop_table("campaign_run")
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attachment_message_id"))
        batch_op.drop_index(batch_op.f("ix_attachment_created_at"))

    op.drop_table("attachment")
    op.drop_table("pending_mail")
    with op.batch_alter_table("pairing_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pairing_code_created_at"))

    op.drop_table("pairing_code")
    with op.batch_alter_table("mailbox_signature", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mailbox_signature_signature_id"))

    op.drop_table("mailbox_signature")
    op.drop_table("mailbox_policy")
    op.drop_table("mailbox_pace")
    with op.batch_alter_table("mailbox_gap", schema=None) as batch_op:
        batch_op.drop_index("ix_mailbox_gap_workspace_id_end_at")
        batch_op.drop_index(batch_op.f("ix_mailbox_gap_mailbox_id"))

    op.drop_table("mailbox_gap")
    with op.batch_alter_table("listed_person", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_listed_person_person_id"))

    op.drop_table("listed_person")
    with op.batch_alter_table("document_version", schema=None) as batch_op:
        batch_op.drop_index("ix_document_version_state")

    op.drop_table("document_version")
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.drop_index("ix_campaign_workspace")
        batch_op.drop_index(batch_op.f("ix_campaign_state"))
        batch_op.drop_index(batch_op.f("ix_campaign_member_id"))

    op.drop_table("campaign")
    op.drop_table("backfill")
    with op.batch_alter_table("thread_opening", schema=None) as batch_op:
        batch_op.drop_index("ix_thread_opening_thread")
        batch_op.drop_index("ix_thread_opening_at")

    op.drop_table("thread_opening")
    with op.batch_alter_table("template", schema=None) as batch_op:
        batch_op.drop_index("ix_template_shared")
        batch_op.drop_index("ix_template_owner")

    op.drop_table("template")
    op.drop_table("signature")
    op.drop_table("feed_cursor")
    op.drop_table("extension_preference")
    with op.batch_alter_table("document", schema=None) as batch_op:
        batch_op.drop_index("ix_document_workspace_order")
        batch_op.drop_index(batch_op.f("ix_document_member_id"))
        batch_op.drop_index(
            "ix_document_deleted",
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        )

    op.drop_table("document")
    with op.batch_alter_table("consent_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_consent_entry_address")

    op.drop_table("consent_entry")
    op.drop_table("audience_list")
    op.drop_table("workspace_policy")
    op.drop_table("verdict_replay")
    op.drop_table("tracking_choice")
    with op.batch_alter_table("suppression", schema=None) as batch_op:
        batch_op.drop_index("ix_suppression_newest")

    op.drop_table("suppression")
    op.drop_table("soft_bounces")
    op.drop_table("legal_text")
    op.drop_table("erasure")
    with op.batch_alter_table("lab_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lab_run_state"))

    op.drop_table("lab_run")
    op.drop_table("campaign_event_cursor")
    with op.batch_alter_table("dead_letter", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dead_letter_set_aside_at"))

    op.drop_table("dead_letter")
