"""The commands of the sandbox."""

import json

import click
import requests
from flask.cli import with_appcontext

from server.config import get_settings
from server.db import get_db
from server.errors import ForeignFailure, Refused
from server.sandbox.demo import ensure_demo
from server.sandbox.mailboxes import fetch_tokens


@click.command("demo-info")
@with_appcontext
def demo_info() -> None:
    """Print the demo member, the stand-in's address and its accounts with access tokens, as one line of JSON."""
    settings = get_settings()
    try:
        with get_db().session() as session:
            member = ensure_demo(session)
            session.commit()
        tokens = fetch_tokens(settings)
    except (Refused, ForeignFailure) as error:
        raise click.ClickException(error.message) from error
    except requests.RequestException as error:
        raise click.ClickException(f"The Gmail stand-in does not answer at {settings.stand_in_url}.") from error
    accounts = [{"email": email, "access_token": token} for email, token in tokens.items()]
    click.echo(json.dumps({"member": member.email, "stand_in": settings.stand_in_url, "accounts": accounts}))
