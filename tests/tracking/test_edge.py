"""The recipients' edge: an image for every pixel, the exact target for every link, and nothing else for anybody."""

from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from server.config import Settings
from server.edge import create_edge
from server.keys import Keyring
from server.tracking import devices
from server.tracking.frames import read_frames
from server.tracking.hits import Hit, read_record
from server.tracking.hot import GIF, HotPath
from server.tracking.tokens import link_url, pixel_url
from tests.tracking.disks import files_end_at

COPY, SENDER = "ab" * 16, "0123456789ab"
TARGET = "https://flynn.example/a%2Fb?x=1&y=%C3%A9#top?really"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    # A database and a Redis that nobody could reach: the edge needs neither.
    return Settings(
        _env_file=None,
        warmline_home=tmp_path,
        database_url="postgresql://nobody@127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1",  # type: ignore[call-arg]
    )


@pytest.fixture
def edge(settings: Settings) -> HotPath:
    return create_edge(settings)


@pytest.fixture
def browser(edge: HotPath) -> Client:
    return make_browser(edge)


def make_browser(edge: HotPath) -> Client:
    class Browser(Client):
        def open(self, *args: Any, **options: Any) -> Any:
            return super().open(*args, environ_base={"REMOTE_ADDR": "127.0.0.1"}, **options)

    return Browser(edge)


def path_of(url: str, settings: Settings) -> str:
    return url.removeprefix(settings.edge_base_url)


@pytest.fixture
def pixel(edge: HotPath, settings: Settings) -> str:
    return path_of(pixel_url(settings, edge.keys, SENDER, COPY), settings)


@pytest.fixture
def link(edge: HotPath, settings: Settings) -> str:
    return path_of(link_url(settings, edge.keys, SENDER, COPY, 2, TARGET), settings)


def hits(settings: Settings) -> list[Hit]:
    paths = sorted(settings.journal_dir.glob("*.journal"))
    return [read_record(frame.payload) for path in paths for frame in read_frames(path.read_bytes())]


def test_pixel_is_an_image_that_nobody_keeps(browser: Client, pixel: str, settings: Settings) -> None:
    answer = browser.get(pixel, headers={"User-Agent": "Mail/1", "Accept-Language": "fr"})
    assert (answer.status_code, answer.data, len(answer.data)) == (200, GIF, 43)
    assert answer.headers["Content-Type"] == "image/gif"
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers
    (hit,) = hits(settings)
    assert (hit.kind, hit.tracking_id, hit.agent, hit.ip) == ("pixel", COPY, "Mail/1", "127.0.0.1")
    assert hit.headers["accept-language"] == "fr"
    assert len(hit.id) == 32


@pytest.mark.parametrize("other", ["x.gif", ".gif", "AAAA.gif", "%00%ff.gif", "a/b/c.gif", "é.gif"])
def test_unknown_pixel_answers_as_a_known_one_does(browser: Client, pixel: str, other: str, settings: Settings) -> None:
    known = browser.get(pixel)
    token = pixel.removesuffix(".gif")
    altered = token[:-1] + ("B.gif" if token.endswith("A") else "A.gif")
    for path in (f"/o/{SENDER}/{other}", pixel.replace(SENDER, "ffffffffffff"), altered):
        answer = browser.get(path)
        assert (answer.status_code, answer.data, answer.headers) == (200, known.data, known.headers)
    assert len(hits(settings)) == 1


def test_head_is_answered_and_kept_as_head(browser: Client, pixel: str, link: str, settings: Settings) -> None:
    assert (browser.head(pixel).status_code, browser.head(pixel).data) == (200, b"")
    assert browser.head(link).headers["Location"] == TARGET
    assert {hit.method for hit in hits(settings)} == {"HEAD"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_refused_and_not_kept(
    browser: Client, pixel: str, link: str, method: str, settings: Settings
) -> None:
    for path in (pixel, link):
        answer = browser.open(path, method=method)
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET, HEAD"
        assert answer.mimetype == "text/plain"
    assert hits(settings) == []


def test_click_goes_to_the_identical_target(browser: Client, link: str, settings: Settings) -> None:
    answer = browser.get(link, headers={"Referer": "https://mail.example/secret?token=1"})
    assert (answer.status_code, answer.headers["Location"], answer.data) == (302, TARGET, b"")
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers
    (hit,) = hits(settings)
    assert (hit.kind, hit.tracking_id, hit.position, hit.target) == ("click", COPY, 2, TARGET)
    assert hit.headers["referer-host"] == "mail.example"


@pytest.mark.parametrize(("language", "words"), [("fr-CH, fr;q=0.9", 'lang="fr"'), ("de, en;q=0.5", 'lang="en"')])
def test_altered_link_is_a_plain_page_in_the_readers_language(
    browser: Client, link: str, language: str, words: str, settings: Settings
) -> None:
    for path in (
        link[:-2],
        f"{link}/",
        link.replace(SENDER, "ffffffffffff"),
        "/c/",
        "/c/x",
        "/o/x/y",
        "/",
        "/messages",
    ):
        answer = browser.get(path, headers={"Accept-Language": language})
        assert answer.status_code == 404
        assert words in answer.text
        assert "Location" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert hits(settings) == []


def test_an_endless_path_is_refused(browser: Client) -> None:
    assert browser.get(f"/c/{'a' * 20_000}").status_code == 414


def test_a_full_disk_never_answers_an_uncounted_200(
    browser: Client, pixel: str, link: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with files_end_at(0):
        image, click, unknown = browser.get(pixel), browser.get(link), browser.get("/o/x/y.gif")
    assert (image.status_code, image.data, image.headers["Content-Type"]) == (503, GIF, "image/gif")
    assert int(image.headers["Retry-After"]) > 0
    assert (click.status_code, click.headers["Location"]) == (302, TARGET)
    assert unknown.status_code == 200
    assert browser.get(pixel).status_code == 200
    assert capsys.readouterr().err.count("hits are not kept") == 1


def test_forwarded_address_counts_only_behind_our_own_proxies(settings: Settings, pixel: str) -> None:
    headers = {"X-Forwarded-For": "6.6.6.6, 81.2.69.142, 10.0.0.9"}
    for proxies in (0, 1, 2, 4):
        settings.trusted_proxies = proxies
        make_browser(create_edge(settings)).get(pixel, headers=headers)
    assert sorted(hit.ip for hit in hits(settings)) == sorted(["127.0.0.1", "10.0.0.9", "81.2.69.142", "127.0.0.1"])


def test_long_fields_are_capped_and_secrets_left_out(browser: Client, pixel: str, settings: Settings) -> None:
    browser.set_cookie("warmline_device", "c" * 3999)
    browser.get(
        pixel,
        headers={"User-Agent": "a" * 9999, "Accept": "b" * 9999,
                 "Authorization": "Bearer secret", "Referer": "http://[broken"},
    )  # fmt: skip
    (hit,) = hits(settings)
    assert (len(hit.agent), len(hit.headers["accept"]), len(hit.device)) == (512, 256, 256)
    assert "secret" not in repr(hit)


def test_members_device_gets_a_long_lived_cookie(
    browser: Client, edge: HotPath, pixel: str, settings: Settings
) -> None:
    answer = browser.get(f"/device/{devices.device_ticket(edge.keys, 'd1')}.gif")
    assert (answer.status_code, answer.data) == (200, GIF)
    assert answer.headers["Cache-Control"] == "private, max-age=604800"
    cookie = answer.headers["Set-Cookie"]
    for part in ("warmline_device=", "HttpOnly", "Path=/", f"Max-Age={400 * 86400}", "SameSite=Lax"):
        assert part in cookie
    assert "Secure" not in cookie
    browser.get(pixel)
    assert devices.read_device(edge.keys, hits(settings)[-1].device) == "d1"


def test_the_device_cookie_is_secure_where_the_edge_is(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, warmline_home=tmp_path, edge_base_url="https://t.example")  # type: ignore[call-arg]
    ticket = devices.device_ticket(Keyring.load(settings), "d1")
    cookie = Client(create_edge(settings)).get(f"/device/{ticket}.gif").headers["Set-Cookie"]
    assert "Secure" in cookie
    assert "SameSite=None" in cookie


def test_an_altered_device_ticket_is_an_image_without_a_cookie(browser: Client) -> None:
    answer = browser.get("/device/nonsense.gif")
    assert (answer.status_code, answer.data) == (200, GIF)
    assert "Set-Cookie" not in answer.headers


def test_the_edge_says_that_it_lives_and_keeps_crawlers_out(browser: Client) -> None:
    assert browser.get("/healthz").json == {"status": "ok"}
    assert "Disallow: /" in browser.get("/robots.txt").text
    assert browser.post("/healthz").status_code == 405
