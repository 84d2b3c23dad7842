"""Verdicts: who made a view or a click, told from the evidence alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.app import create_app
from server.config import Settings
from server.events.networks import shipped_networks
from server.events.reasons import REASONS, explain
from server.events.verdict import judge

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
PREFETCH = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 "
    "Safari/537.36 Edge/12.246 Mozilla/5.0"
)
OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Trident/7.0; Microsoft Outlook 16.0.5134; ms-office)"


def verdict(kind: str, agent: str = CHROME, **evidence: object) -> tuple[str, str]:
    judgement = judge({"kind": kind, "agent": agent, **evidence})
    assert 0 < judgement.confidence <= 1
    return judgement.verdict.value, judgement.reasons[0].split(":")[0]


@pytest.mark.parametrize(
    ("agent", "wanted"),
    [
        (CHROME, ("human", "browser")),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Mobile/15E148", ("human", "browser")),
        (OUTLOOK, ("human", "mail_program")),
        ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)", ("human", "mail_program")),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0", ("human", "mail_program")),
        (GMAIL, ("proxy", "gmail_proxy")),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", ("proxy", "yahoo_proxy")),
        ("Mozilla/5.0", ("machine", "apple_proxy")),
        (PREFETCH, ("machine", "gmail_prefetch")),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ("machine", "crawler_agent")),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", ("machine", "link_preview")),
        ("facebookexternalhit/1.1", ("machine", "link_preview")),
        ("", ("unknown", "no_agent")),
        ("   ", ("unknown", "no_agent")),
        ("curl/8.5.0", ("unknown", "library_agent")),
        ("python-requests/2.32.3", ("unknown", "library_agent")),
        ("okhttp/4.12.0", ("unknown", "library_agent")),
        ("Go-http-client/2.0", ("unknown", "library_agent")),
        ("Java/17.0.1", ("unknown", "library_agent")),
        ("Apache-HttpClient/4.5.14 (Java/17)", ("unknown", "library_agent")),
        ("Mail/3774 CFNetwork/1568 Darwin/24.0.0", ("unknown", "library_agent")),
        ("Something/1.0", ("unknown", "agent_unknown")),
    ],
)  # fmt: skip
def test_a_views_agent_says_who_it_was(agent: str, wanted: tuple[str, str]) -> None:
    assert verdict("viewed", agent) == wanted


def test_apples_proxy_says_nothing_about_reading_even_where_somebody_answered() -> None:
    assert verdict("viewed", "Mozilla/5.0", is_confirmed=True) == ("machine", "apple_proxy")


def test_a_members_device_is_ourselves_whatever_else_it_says() -> None:
    assert verdict("viewed", GMAIL, device="d1") == ("self", "own_device")
    assert verdict("clicked", "curl/8", device="d1", method="HEAD") == ("self", "own_device")


@pytest.mark.parametrize("kind", ["viewed", "clicked"])
@pytest.mark.parametrize(
    "headers",
    [{"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}, {"x-moz": "prefetch"}, {"x-purpose": "preview"}],
)
def test_loading_ahead_is_a_machine(kind: str, headers: dict[str, str]) -> None:
    assert verdict(kind, headers=headers) == ("machine", "prefetch_header")
    assert verdict(kind, method="HEAD") == ("machine", "head_request")


def test_microsofts_scanner_counts_for_clicks_and_never_for_views() -> None:
    for ip in ("40.92.1.1", "40.107.255.255", "52.103.0.1", "104.47.127.255", "2a01:111:f400::1", "::ffff:40.92.1.1"):
        assert verdict("clicked", ip=ip) == ("machine", "scanner_network")
        assert verdict("viewed", ip=ip) == ("proxy", "mail_network")
    assert verdict("clicked", ip="104.47.128.0") == ("human", "browser")
    assert verdict("viewed", GMAIL, ip="66.249.84.1") == ("proxy", "gmail_proxy")


def test_a_network_that_also_carries_people_leaves_it_open() -> None:
    assert verdict("clicked", ip="148.163.130.1") == ("unknown", "scanner_network_probable")


def test_a_burst_of_links_is_a_machine_and_two_links_are_not() -> None:
    assert verdict("clicked", burst_links=3) == ("machine", "link_burst")
    assert verdict("clicked", burst_links=2) == ("human", "browser")
    assert verdict("viewed", burst_links=9) == ("machine", "link_burst")
    assert verdict("web_visited", burst_links=9, visitor="signed") == ("human", "signed_visitor")


def test_an_image_proxy_does_not_follow_links_for_people() -> None:
    assert verdict("clicked", GMAIL)[0] == "machine"


def test_what_came_by_mail_needs_no_guess() -> None:
    assert verdict("replied", "") == ("human", "replied")
    assert verdict("auto_replied", "") == ("machine", "auto_replied")
    assert verdict("bounced", "") == ("machine", "bounced")


values = st.none() | st.text() | st.integers() | st.dictionaries(st.text(), st.text())


@given(st.fixed_dictionaries({
    "kind": st.sampled_from(["viewed", "clicked", "replied", "unsubscribed"]), "agent": st.text(), "ip": st.text(),
    "headers": st.none() | st.dictionaries(st.text(), st.text()), "device": st.none() | st.text(),
    "burst_links": st.none() | st.integers(), "method": st.text(),
}))  # fmt: skip
def test_any_evidence_gets_the_same_verdict_twice_and_reasons_that_have_words(evidence: dict[str, object]) -> None:
    judgement = judge(evidence)
    assert judgement == judge(evidence)
    assert {reason.partition(":")[0] for reason in judgement.reasons} <= set(REASONS)


def test_reasons_are_explained_with_their_value(tmp_path: object) -> None:
    app = create_app(Settings(_env_file=None, warmline_home=tmp_path, redis_url="redis://127.0.0.1:1"))  # type: ignore[arg-type, call-arg]
    with app.test_request_context():
        assert explain("link_burst:4") == "4 different links were followed in one burst at that time."
        assert explain("browser:Chrome %(value)s") == "A browser fetched it: Chrome %(value)s."
        assert explain("of_a_newer_version:1") == "of_a_newer_version:1"
    app.extensions["warmline_db"].dispose()


def test_an_address_that_is_none_is_in_no_network() -> None:
    assert shipped_networks().find("unknown") is None
    assert shipped_networks().find("") is None


@pytest.mark.parametrize("kind", ["viewed", "clicked", "bounced", "downloaded", "interesting_moment"])
def test_what_a_program_reported_is_taken_as_it_said(kind: str) -> None:
    for said in ("human", "machine", "proxy", "unknown"):
        assert verdict(kind, "", reported=said) == (said, "reported")


@pytest.mark.parametrize(
    ("agent", "evidence", "wanted"),
    [
        (CHROME, {"visitor": "signed"}, ("human", "signed_visitor")),
        (CHROME, {"visitor": "claimed"}, ("unknown", "claimed_visitor")),
        (CHROME, {"visitor": "signed", "device": "d1"}, ("self", "own_device")),
        (CHROME, {"visitor": "signed", "headers": {"sec-purpose": "prefetch"}}, ("machine", "prefetch_header")),
        (CHROME, {"visitor": "signed", "ip": "40.92.0.1"}, ("machine", "scanner_network")),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", {"visitor": "signed"},
         ("machine", "crawler_agent")),
        ("curl/8.5.0", {"visitor": "signed"}, ("unknown", "library_agent")),
        ("Something/1.0", {"visitor": "signed"}, ("unknown", "agent_unknown")),
    ],
)  # fmt: skip
def test_a_visit_is_a_persons_where_the_site_vouches_and_a_browser_came(
    agent: str, evidence: dict[str, object], wanted: tuple[str, str]
) -> None:
    assert verdict("web_visited", agent, **evidence) == wanted
