"""What is given to the store: the same bytes each time, the permissions that we explain, and no code from elsewhere."""

import json
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "extension"
EVALUATION = re.compile(r"(?<![\w.$])(?:new\s+Function|Function|eval|importScripts)\(")
REMOTE_CODE = re.compile(r"""https?://[^\s"'`]+\.m?js\b|\bimport\(\s*["'`]https?:|<script[^>]+src=["']?https?:""")
ASKED = re.compile(r"""\bsay\("(\w+)"|data-say(?:-\w+)?="(\w+)\"""")

# Each of these stands, with its reason, in docs/extension.md: a new one needs a line there and the members' consent.
PERMISSIONS = ["alarms", "declarativeNetRequest", "identity", "notifications", "scripting", "sidePanel", "storage"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip as `make extension` builds it."""
    return build(tmp_path_factory.mktemp("build"))


def build(folder: Path) -> Path:
    subprocess.run(["node", "extension/build.js", str(folder)], cwd=ROOT, check=True, capture_output=True)
    (found,) = folder.glob("warmline-extension-*.zip")
    return found


def read_manifest() -> dict[str, object]:
    manifest: dict[str, object] = json.loads((SOURCE / "manifest.json").read_text())
    return manifest


def test_two_builds_give_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    again = build(tmp_path)
    assert again.name == archive.name
    assert again.read_bytes() == archive.read_bytes()


def test_zip_is_whole_and_holds_what_the_manifest_names(archive: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        assert content.testzip() is None
        names = set(content.namelist())
        manifest = json.loads(content.read("manifest.json"))
    assert archive.name == f"warmline-extension-{manifest['version']}.zip"
    named = [
        manifest["background"]["service_worker"], manifest["side_panel"]["default_path"],
        manifest["options_ui"]["page"],
        *manifest["icons"].values(), *manifest["action"]["default_icon"].values(),
        *[path for script in manifest["content_scripts"] for path in script["js"] + script["css"]],
        *[path for resource in manifest["web_accessible_resources"] for path in resource["resources"]],
        *[rules["path"] for rules in manifest["declarative_net_request"]["rule_resources"]],
        "pageWorld.js",
    ]  # fmt: skip
    assert [path for path in named if path not in names] == []


def test_zip_holds_no_remote_code_and_makes_none_from_text(archive: Path) -> None:
    found = []
    with zipfile.ZipFile(archive) as content:
        scripts = [name for name in content.namelist() if name.endswith((".js", ".html"))]
        for name in scripts:
            text = content.read(name).decode()
            found += [f"{name}: {match.group()}" for rule in (EVALUATION, REMOTE_CODE) for match in rule.finditer(text)]
    assert len(scripts) >= 6
    assert found == []


def test_permissions_are_the_ones_explained() -> None:
    manifest = read_manifest()
    assert manifest["permissions"] == PERMISSIONS
    assert manifest["host_permissions"] == ["https://mail.google.com/*"]
    assert manifest["optional_host_permissions"] == ["https://*/*", "http://127.0.0.1/*", "http://localhost/*"]
    assert "optional_permissions" not in manifest
    assert "externally_connectable" not in manifest
    guide = (ROOT / "docs" / "extension.md").read_text()
    assert [name for name in PERMISSIONS if f"| `{name}` |" not in guide] == []


def test_only_the_sidebar_may_be_shown_by_gmail_and_pages_run_only_our_files() -> None:
    manifest = read_manifest()
    assert manifest["web_accessible_resources"] == [
        {"resources": ["sidebar/sidebar.html"], "matches": ["https://mail.google.com/*"]}
    ]
    policy = manifest["content_security_policy"]
    assert isinstance(policy, dict)
    assert list(policy) == ["extension_pages"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy["extension_pages"].split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert rules["frame-ancestors"] == "'self' https://mail.google.com"
    assert "unsafe" not in policy["extension_pages"]


def test_inboxsdk_still_phones_only_where_the_rules_stop_it() -> None:
    package = (ROOT / "node_modules/@inboxsdk/core/inboxsdk.js").read_text()
    urls = set(re.findall(r"url: ['`](https://[^'`$?]+)", package))
    called = {url for url in urls if not url.startswith("https://mail.google.com/")}
    rules = json.loads((SOURCE / "rules" / "telemetry.json").read_text())
    stopped = [rule["condition"]["urlFilter"].removeprefix("||") for rule in rules]
    assert [rule["action"] for rule in rules] == [{"type": "block"}] * 2
    assert len(called) == 3
    assert [url for url in called if not url.removeprefix("https://").startswith(tuple(stopped))] == []


def test_every_text_is_there_in_english_and_french() -> None:
    english, french = (json.loads((SOURCE / f"_locales/{code}/messages.json").read_text()) for code in ("en", "fr"))
    assert english.keys() == french.keys()
    for name, entry in english.items():
        assert entry.get("placeholders") == french[name].get("placeholders"), name
        assert set(re.findall(r"\$\w+\$", entry["message"])) == set(re.findall(r"\$\w+\$", french[name]["message"])), (
            name
        )
    assert max(len(texts["description"]["message"]) for texts in (english, french)) <= 132  # the store's limit
    asked = set(re.findall(r"__MSG_(\w+)__", (SOURCE / "manifest.json").read_text()))
    for path in [*SOURCE.rglob("*.ts"), *SOURCE.rglob("*.html")]:
        asked |= {one or other for one, other in ASKED.findall(path.read_text())}
    assert sorted(asked - english.keys()) == []


def test_every_failure_has_a_text_and_a_way_out_of_its_own() -> None:
    kinds = re.search(r"type FailureKind = ([^;]+);", (SOURCE / "lib" / "messages.ts").read_text())
    assert kinds is not None
    texts = json.loads((SOURCE / "_locales/en/messages.json").read_text())
    told = [kind for kind in re.findall(r'"(\w+)"', kinds.group(1)) if kind != "refused"]  # the server says that itself
    messages = [texts[f"failure_{kind}"]["message"] for kind in told]
    fixes = [texts[f"fix_{kind}"]["message"] for kind in told]
    assert len(set(messages)) == len(set(fixes)) == len(told) == 5


def test_types_hold() -> None:
    done = subprocess.run(["node_modules/.bin/tsc", "-p", "extension"], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == ""
    assert done.returncode == 0
