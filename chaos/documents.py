"""Puts hostile and ordinary files through upload and conversion, and prints how each ended, how soon, with how much.

    .venv/bin/python chaos/documents.py [--also folder …] [--most 200] [--ordinary]

Each file is examined and converted as a worker does it. Meanwhile a real edge answers pixels, and a port listens for
whatever a file may want to fetch. It fails where a file takes more than 60 s of the processor or 2 GiB, where something
came to that port, or where a pixel was not answered. `--also` adds every PDF and office file of a folder.
"""

import argparse
import http.client
import io
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
from flask import Flask
from flask_babel import Babel

from server.config import Settings
from server.documents import storage
from server.documents.failures import Unfit
from server.documents.pages import make_pages
from server.documents.uploads import take_upload
from server.errors import Refused
from server.migrate import upgrade
from tests.documents import files

MOST_CPU_SECONDS = 60
MOST_BYTES = 2 * 2**30
ENDINGS = {".pdf", ".doc", ".docx", ".ppt", ".pptx", ".docm", ".pptm"}
PIXEL_SECONDS = 0.05


def make_hostile(url: str) -> dict[str, Callable[[], bytes]]:
    """Return files that somebody made to hurt; those that fetch something ask `url`."""
    return {
        "ordinary.pdf": lambda: files.make_pdf(20),
        "ordinary.docx": lambda: files.make_docx(*["Some words about prices. " * 20] * 100),
        "ordinary.pptx": lambda: files.make_pptx(20),
        "three hundred pages.pdf": lambda: files.make_pdf(300),
        "deflate bomb.pdf": lambda: files.make_deflate_bomb_pdf(3000),
        "100,000 pages.pdf": files.make_endless_pdf,
        "100k x 100k points.pdf": lambda: files.make_pdf(1, 100_000, 100_000),
        "deep page tree.pdf": files.make_deep_pdf,
        "heavy drawing.pdf": files.make_heavy_pdf,
        "huge picture.pdf": files.make_huge_picture_pdf,
        "encrypted.pdf": files.make_encrypted_pdf,
        "cut.pdf": lambda: files.make_pdf(5)[:700],
        "zip bomb.docx": lambda: files.make_zip_bomb(1000),
        "nested zips.docx": files.make_nested_zip,
        "lying zip.docx": files.make_lying_zip,
        "macros.docm": lambda: files.make_zip(("word/vbaProject.bin", b"x"), main=files.DOCM),
        "billion laughs.docx": files.make_laughing_docx,
        "deep nesting.docx": files.make_deep_docx,
        "external picture.docx": lambda: files.make_fetching_docx(url),
        "included text.docx": lambda: files.make_docx("before", includes="/etc/passwd"),
        "polyglot.pdf": lambda: files.make_pdf(1) + files.make_zip(("a", b"b")),
        "endless text.docx": lambda: files.make_docx(*["x" * 5000] * 3000),
    }


@dataclass
class Watch:
    """Looks on while files are converted: memory of all children, packets that came, pixels that did not."""

    port: int
    peak: int = 0
    fetched: int = 0
    pixels: int = 0
    slowest_pixel: float = 0.0
    lost_pixels: int = 0
    is_over: threading.Event = field(default_factory=threading.Event)

    def measure(self) -> None:
        """Keep the highest sum of memory of this process's children."""
        while not self.is_over.wait(0.05):
            total = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    total += child.memory_info().rss if "granian" not in " ".join(child.cmdline()) else 0
                except psutil.Error:
                    continue
            self.peak = max(self.peak, total)

    def listen(self, listener: socket.socket) -> None:
        """Count connections that a file caused."""
        listener.settimeout(0.2)
        while not self.is_over.is_set():
            try:
                listener.accept()[0].close()
                self.fetched += 1
            except TimeoutError:
                continue

    def fetch_pixels(self) -> None:
        """Ask the edge for a pixel many times a second."""
        while not self.is_over.wait(PIXEL_SECONDS):
            began = time.monotonic()
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/o/a1b2c3d4e5f6/nobody.gif")
                self.lost_pixels += connection.getresponse().status != 200
                connection.close()
            except OSError:
                self.lost_pixels += 1
            self.pixels += 1
            self.slowest_pixel = max(self.slowest_pixel, time.monotonic() - began)


def convert(settings: Settings, version_id: int, name: str, content: bytes) -> str:
    """Return how one file ended: its pages, or the reason."""
    try:
        with take_upload(settings, io.BytesIO(content), name) as upload:
            upload.move_to(storage.original_path(settings, version_id))
        for progress in make_pages(settings, version_id, upload.kind, 1):
            pages = progress.pages
    except Refused as refused:
        return f"refused: {refused.message}"
    except Unfit as unfit:
        return f"failed: {unfit.reason}"
    finally:
        storage.delete_version(settings, version_id)
    return f"{pages} pages"


def read_all(folders: list[Path], most: int) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the documents in `folders`, at most `most` of each."""
    for folder in folders:
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
        for path in found[:: max(1, len(found) // most)][:most]:
            yield str(path.relative_to(folder)), path.read_bytes


def run(settings: Settings, watch: Watch, cases: list[tuple[str, Callable[[], bytes]]]) -> int:
    """Convert all `cases`, print the table, and return how many broke a rule."""
    broken = 0
    print(f"{'file':44} {'bytes':>11} {'wall s':>7} {'cpu s':>6} {'MB':>5}  ended as")
    for number, (name, make) in enumerate(cases, 1):
        content, watch.peak = make(), 0
        began, burnt = time.monotonic(), os.times()
        ended = convert(settings, number, name, content)
        after = os.times()
        cpu = after.children_user + after.children_system - burnt.children_user - burnt.children_system
        wall, memory = time.monotonic() - began, watch.peak
        is_bad = cpu > MOST_CPU_SECONDS or memory > MOST_BYTES * 1.1
        broken += is_bad
        mark = "  <-- too much" if is_bad else ""
        print(
            f"{name[-44:]:44} {len(content):11,} {wall:7.1f} {cpu:6.1f} {memory >> 20:5}  {ended[:70]}{mark}",
            flush=True,
        )
    return broken


def main() -> int:
    """Run everything; return 1 where a rule was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--also", type=Path, nargs="*", default=[], metavar="folder")
    parser.add_argument("--most", type=int, default=200, help="files of each folder")
    parser.add_argument("--ordinary", action="store_true", help="only the files of --also")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="warmline-documents-") as home,
        socket.create_server(("127.0.0.1", 0)) as at,
    ):
        settings = Settings(_env_file=None, warmline_home=Path(home), port=find_port())  # type: ignore[call-arg]
        upgrade(settings.database_url)
        watch = Watch(settings.edge_port)
        edge = start_edge(settings)
        threads = [threading.Thread(target=watch.measure), threading.Thread(target=watch.listen, args=[at]),
                   threading.Thread(target=watch.fetch_pixels)]  # fmt: skip
        for thread in threads:
            thread.start()
        app = Flask(__name__)
        app.config["SETTINGS"] = settings
        Babel(app)
        hostile = make_hostile(f"http://127.0.0.1:{at.getsockname()[1]}/picture.png")
        own = [] if options.ordinary else hostile.items()
        try:
            with app.app_context():
                broken = run(settings, watch, [*own, *read_all(options.also, options.most)])
        finally:
            watch.is_over.set()
            for thread in threads:
                thread.join()
            edge.terminate()
            edge.wait()
    slowest = f"the slowest {watch.slowest_pixel * 1000:.0f} ms, {watch.lost_pixels} lost"
    print(f"\n{watch.pixels} pixels meanwhile, {slowest}; {watch.fetched} connections; {broken} files took too much")
    return int(bool(broken or watch.fetched or watch.lost_pixels))


def find_port() -> int:
    """Return a port that is free, with the next three."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return min(int(probe.getsockname()[1]), 65_000)


def start_edge(settings: Settings) -> "subprocess.Popen[bytes]":
    """Start a real edge and wait until it answers."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--no-ws", "--port",
               str(settings.edge_port), "--blocking-threads", "8", "--log-level", "error",
               "server.edge:create_edge"]  # fmt: skip
    env = os.environ | {"WARMLINE_HOME": str(settings.warmline_home), "PORT": str(settings.port)}
    process = subprocess.Popen(command, env=env, cwd=Path(__file__).parents[1])
    for _attempt in range(200):
        try:
            socket.create_connection(("127.0.0.1", settings.edge_port), timeout=1).close()
            return process
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise RuntimeError("the edge did not start")


if __name__ == "__main__":
    sys.exit(main())
