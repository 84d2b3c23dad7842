"""What a program says it is: the tables and lists by which an agent is told, from the surest name to the vaguest.

An agent is a claim, so it condemns only programs that have no reason to lie: those that call themselves machines.
Sources: facts.md (Opens and clicks), the vendors' own pages named beside each table, the crawler-user-agents list,
ua-parser's list of browsers.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import crawleruseragents
import ua_parser

GMAIL_PREFETCH = "Edge/12.246 Mozilla/5.0"
IMAGE_PROXIES = {"GoogleImageProxy": "gmail_proxy", "YahooMailProxy": "yahoo_proxy"}
APPLE_PROXY = "Mozilla/5.0"
MAIL_PROGRAMS = re.compile(
    r"Microsoft Outlook|ms-office|MSOffice|Microsoft Office|Thunderbird/|AppleMail|Outlook-iOS|Outlook-Android|"
    r"Outlook-Mac|MacOutlook|Mailbird|Postbox/|eM ?Client|Airmail|Lotus-Notes|Evolution/|KMail|Spark/|Superhuman"
)
LIBRARIES = re.compile(
    r"^(curl|wget|python-requests|python-urllib|python-httpx|aiohttp|python/|okhttp|go-http-client|java|"
    r"apache-httpclient|axios|node-fetch|node\.js|undici|got |libwww-perl|ruby|guzzlehttp|restsharp|reqwest|dalvik|"
    r"httpie|php|.*cfnetwork/)",
    re.IGNORECASE,
)
# Programs that make the little card under a link in a chat: api.slack.com/robots, developers.facebook.com (crawler),
# linkedin.com's help on sharing, Microsoft's "URL preview" (SkypeUriPreview serves Teams too), core.telegram.org.
PREVIEWS = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "Slack": r"slackbot|slack-imgproxy",
        "Teams": r"skypeuripreview|microsoft ?preview|^teamsbot|bingpreview",
        "WhatsApp": r"^whatsapp/",
        "LinkedIn": r"linkedinbot",
        "iMessage": r"facebookexternalhit.*twitterbot",  # Apple's previews carry both names
        "Facebook": r"facebookexternalhit|facebookcatalog|^facebot",
        "X": r"twitterbot",
        "Telegram": r"telegrambot",
        "Discord": r"discordbot",
        "Viber": r"^viber|viberbot",
        "Google Chat": r"google-pagerenderer|google-inspectiontool|googlechat",
        "Signal": r"^signal-",
        "Zoom": r"zoombot",
        "Webex": r"webexbot|ciscospark",
        "Notion": r"notion-?bot|notionembedder",
        "a preview service": r"embedly|iframely|opengraph|linkpreview|link-preview|unfurl|rogerbot|redditbot",
    }.items()
}
MONITORS = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "UptimeRobot": r"uptimerobot",
        "Pingdom": r"pingdom",
        "StatusCake": r"statuscake",
        "Site24x7": r"site24x7",
        "Datadog": r"datadog",
        "New Relic": r"newrelicpinger|newrelic",
        "Better Stack": r"better ?uptime|better ?stack",
        "Checkly": r"checkly",
        "GTmetrix": r"gtmetrix",
        "Lighthouse": r"chrome-lighthouse|pagespeed",
        "Nagios": r"check_http|nagios",
        "Zabbix": r"zabbix",
        "Uptime Kuma": r"uptime-?kuma",
        "HetrixTools": r"hetrixtools",
    }.items()
}
# Scanners that name themselves instead of playing a browser.
SCANNERS = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "Barracuda": r"barracuda",
        "Mimecast": r"mimecast",
        "Proofpoint": r"proofpoint",
        "Trend Micro": r"trend ?micro|tmufe",
        "Symantec": r"symantec|messagelabs",
        "Sophos": r"sophos",
        "Fortinet": r"fortiguard|fortinet|fortisandbox",
        "Cloudflare": r"cloudflare-?radar|cf-uc",
        "urlscan": r"urlscan",
        "VirusTotal": r"virustotal",
        "Headless Chrome": r"headlesschrome|phantomjs|puppeteer|playwright|selenium",
    }.items()
}


@dataclass(frozen=True, slots=True)
class Agent:
    """What is told from an agent's name; each reason is one of `reasons.REASONS`, or None.

    `proxy` fetches images for a mail program's users, `machine` says so by itself, `person` is used by people.
    """

    name: str
    is_prefetch: bool
    is_library: bool
    proxy: str | None
    machine: str | None
    person: str | None


@lru_cache(maxsize=8192)  # a thousand patterns are slow, and few agents make most of the hits
def read_agent(name: str) -> Agent:
    """Return what the agent called `name` is."""
    name = name.strip()
    is_library = LIBRARIES.match(name) is not None
    return Agent(
        name,
        name.endswith(GMAIL_PREFETCH),
        is_library,
        find_image_proxy(name),
        None if is_library else _find_machine(name),
        _find_person(name),
    )


def find_image_proxy(agent: str) -> str | None:
    """Return the reason's code when `agent` fetches images on behalf of a mail program's users."""
    if agent == APPLE_PROXY:
        return "apple_proxy"
    return next((code for word, code in IMAGE_PROXIES.items() if word in agent), None)


def _find_machine(agent: str) -> str | None:
    for code, names in (("link_preview", PREVIEWS), ("monitoring_agent", MONITORS), ("scanner_agent", SCANNERS)):
        for name, pattern in names.items():
            if pattern.search(agent):
                return f"{code}:{name}"
    return "crawler_agent" if crawleruseragents.is_crawler(agent) else None


def _find_person(agent: str) -> str | None:
    if MAIL_PROGRAMS.search(agent):
        return "mail_program"
    parsed = ua_parser.parse(agent)
    if parsed.user_agent is None or not agent.startswith("Mozilla/"):
        return None
    return f"browser:{parsed.user_agent.family}"
