"""`warmline backup` and `warmline restore`."""

import fcntl
import sys
from pathlib import Path

import click

from server.backup.restore import restore
from server.backup.save import save
from server.clock import now
from server.config import load_settings
from server.errors import Refused


@click.command("backup")
@click.argument("target", required=False, type=click.Path(path_type=Path))
def backup(target: Path | None) -> None:
    """Write database, journal, documents and keys into one file, while Warmline runs. Keep it as secret as the keys."""
    target = target or Path(f"warmline-{now():%Y%m%d-%H%M%S}.tar.gz")
    counts = save(load_settings(), target)
    click.echo(f"{target}: {sum(counts.values()):,} rows, {target.stat().st_size:,} bytes.")


@click.command("restore")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Put the backup in the place of the installation that stands there.")
def restore_command(source: Path, replace: bool) -> None:
    """Make the installation that a backup holds. Stop Warmline first; campaigns stay paused until they are resumed."""
    settings = load_settings()
    settings.warmline_home.mkdir(parents=True, exist_ok=True)
    with (settings.warmline_home / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"Warmline runs in {settings.warmline_home}. Stop it first.")
        try:
            counts = restore(settings, source, replaces=replace)
        except Refused as error:
            sys.exit(error.message)
    click.echo(
        f"{sum(counts.values()):,} rows restored. Campaigns are paused; mail that was waiting waits for its member."
    )
