"""Commands about members and their tokens, for an operator at a shell."""

import click
from flask.cli import AppGroup
from sqlmodel import col, select

from server.accounts.members import find_member
from server.accounts.models import Member, TokenKind, Workspace
from server.accounts.passwords import set_password
from server.accounts.tokens import create_token
from server.db import get_session
from server.errors import Refused

tokens = AppGroup("token", help="Access tokens of members.")
members = AppGroup("member", help="Members of this installation.")


@tokens.command("create")
@click.option("--member", "email", required=True, help="The member's email address.")
@click.option("--name", required=True, help="What will use the token, such as “Reporting script”.")
@click.option("--kind", type=click.Choice(list(TokenKind)), default=TokenKind.API, show_default=True)
def create(email: str, name: str, kind: str) -> None:
    """Make an access token and print it, and nothing else."""
    session = get_session(write=True)
    try:
        secret = create_token(session, _get_member(email), name, kind)
    except Refused as error:
        raise click.ClickException(error.message) from error
    session.commit()
    click.echo(secret)


@members.command("list")
def list_all() -> None:
    """Print every member: email address, role, workspace, state."""
    session = get_session(write=False)
    chosen = select(Member, Workspace).join(Workspace).order_by(col(Workspace.id), col(Member.email))
    for member, workspace in session.exec(chosen):
        state = "active" if member.is_active else "deactivated"
        click.echo("\t".join((member.email, member.role, workspace.name, state)))


@members.command("password")
@click.argument("email")
@click.password_option()
def give_password(email: str, password: str) -> None:
    """Give a member a new password and sign them out everywhere."""
    session = get_session(write=True)
    try:
        set_password(session, _get_member(email), password)
    except Refused as error:
        raise click.ClickException(error.message) from error
    session.commit()
    click.echo(f"{email} has a new password and is signed out everywhere.")


def _get_member(email: str) -> Member:
    member = find_member(get_session(write=True), email)
    if member is None or not member.is_active:
        raise Refused(f"No active member has the email address {email}. See `warmline member list`.")
    return member
