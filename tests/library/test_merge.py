"""The merge language: what it means, what it refuses, and that no value is ever read as language or as markup."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.library.language import MOST_CHARACTERS, MOST_FIELDS, MergeError, key_of
from server.library.merge import (
    Rich,
    fill,
    preview,
    preview_plain,
    read_html,
    read_plain,
    render,
    render_plain,
)

FLYNN = {"first_name": "Kevin", "company": "Flynn & Söhne <Encom>", "website": "https://encom.example/?a=1&b=2"}

# Texts that are likely to be language, or almost.
PARTS = st.sampled_from(
    ["{{", "}}", "{", "}", "|", "\\", "\\{{", "{{a}}", "{{b|there}}", "{{ A }}", "<b>", "</b>", '<a href="', '">', "'",
     '"', "&lt;", "&#123;", "<!--", "-->", "<p title='{{a}}'>", " ", "\n", "a", "b", "x", "é", "\x00", "<"]
)  # fmt: skip
TEXTS = st.lists(st.one_of(PARTS, st.text(max_size=6)), max_size=14).map("".join)
VALUES = st.dictionaries(st.sampled_from(["a", "b"]), TEXTS)


def test_a_field_gets_its_value_escaped() -> None:
    assert render("<p>Hi {{first_name}} of {{company}}!</p>", FLYNN) == (
        "<p>Hi Kevin of Flynn &amp; Söhne &lt;Encom&gt;!</p>"
    )
    assert render_plain("Hi {{first_name}} of {{company}}", FLYNN) == "Hi Kevin of Flynn & Söhne <Encom>"


@pytest.mark.parametrize(
    "written", ["{{first_name}}", "{{ First name }}", "{{FIRST_NAME | there}}", "{{first&nbsp;name}}"]
)
def test_case_and_spaces_of_a_name_do_not_matter(written: str) -> None:
    assert render(written, FLYNN) == "Kevin"


def test_a_default_stands_where_there_is_no_value() -> None:
    assert render("{{job_title|there}} {{job_title|}}.", {"job_title": "  "}) == "there ."


def test_a_default_is_text_and_escaped() -> None:
    assert render("{{x|R&amp;D}}", {}) == "R&amp;D"
    assert render_plain("{{x|R&D}}", {}) == "R&D"


def test_a_missing_value_is_an_error_that_names_field_and_place() -> None:
    with pytest.raises(MergeError, match=r"“job_title” has no value and no default.*Dear {{job_title}}"):
        render("<p>Dear {{job_title}}</p>", FLYNN)


def test_an_unknown_field_is_named_with_its_place_and_the_nearest_name() -> None:
    with pytest.raises(MergeError, match=r"no field “frist_name” \(at “Hello {{frist_name}}”\).*{{first_name}}"):
        read_html("<p>Hello {{frist_name}}</p>").check({"first_name", "company"})


@pytest.mark.parametrize(
    "text",
    ["Hi {{first", "Hi {{first<b>_name</b>}}", "{{}}", "{{|there}}", "{{{first_name}}", "{{a{b}}",
     "{{" + "x" * 61 + "}}", "{{a|" + "x" * 501 + "}}"],
)  # fmt: skip
def test_what_is_no_field_is_refused(text: str) -> None:
    with pytest.raises(MergeError):
        read_html(text)


@pytest.mark.parametrize(
    "html", ['<p style="color:{{a}}">x</p>', "<p {{a}}>x</p>", '<p class="{{a}}">x</p>', "<!-- {{a}} -->"]
)
def test_a_field_inside_of_markup_is_refused(html: str) -> None:
    with pytest.raises(MergeError, match="inside of formatting"):
        read_html(html)


def test_values_in_addresses_are_encoded_and_cannot_lead_elsewhere() -> None:
    assert render('<a href="https://acme.example/?c={{company}}">x</a>', FLYNN) == (
        '<a href="https://acme.example/?c=Flynn%20%26%20S%C3%B6hne%20%3CEncom%3E">x</a>'
    )
    assert render('<a href="{{website}}">x</a>', FLYNN) == '<a href="https://encom.example/?a=1&amp;b=2">x</a>'
    assert render('<a href="{{x}}">x</a>', {"x": "javascript:alert(1)"}) == '<a href="javascript%3Aalert%281%29">x</a>'


def test_two_braces_can_be_written_as_they_are() -> None:
    assert render("Use \\{{ name }} in Jinja", {}) == "Use {{ name }} in Jinja"
    assert not read_plain("Use \\{{ name }}").is_plain
    assert read_plain("Use { name }").is_plain


def test_a_value_is_not_read_as_language() -> None:
    assert render("{{a}}{{b}}", {"a": "{{b}}", "b": "{{a|x}}"}) == "{{b}}{{a|x}}"


def test_a_signature_keeps_its_formatting_in_text_only() -> None:
    values = {"sender_signature": Rich("<p><b>Alice</b></p>", "Alice\nAcme")}
    assert render("<div>{{sender_signature}}</div>", values) == "<div><p><b>Alice</b></p></div>"
    assert render('<img alt="{{sender_signature}}">', values) == '<img alt="Alice Acme">'
    assert render_plain("-- {{sender_signature}}", values) == "-- Alice\nAcme"


def test_a_preview_marks_what_is_missing() -> None:
    assert preview("<p>{{a}} {{b|x}}</p>", {}) == "<p><mark>{{a}}</mark> x</p>"
    assert preview_plain("{{a}} {{b|x}}", {}) == "{{a}} x"
    assert read_html("{{a}} {{b|x}} {{a}} {{c}}").find_missing({"c": " "}) == ["a", "c"]


def test_filling_leaves_what_is_not_known_and_what_would_be_read_as_language() -> None:
    assert fill("{{a}} {{b}} {{c}} {{d|x}} \\{{", {"a": "<i>", "b": "{{a}}"}) == "&lt;i&gt; {{b}} {{c}} x \\{{"


def test_numbers_of_fields_and_characters_have_limits() -> None:
    with pytest.raises(MergeError, match=str(MOST_FIELDS)):
        read_html("{{a}}" * (MOST_FIELDS + 1))
    with pytest.raises(MergeError, match="characters"):
        read_html("{{a}}" + "x" * MOST_CHARACTERS)


@given(TEXTS, VALUES)
def test_nothing_raises_but_its_own_error(text: str, values: dict[str, str]) -> None:
    for write in (render, render_plain, preview, preview_plain, fill):
        try:
            write(text, values)
        except MergeError:
            continue


@given(TEXTS, TEXTS)
def test_text_without_fields_is_left_as_it_is(before: str, after: str) -> None:
    plain = before.replace("{", "(") + after.replace("{", "(")
    assert render(plain, {}) == plain
    assert render_plain(plain, {}) == plain


@given(TEXTS)
def test_no_markup_of_a_value_reaches_the_html(value: str) -> None:
    html = '<p title="{{a|-}}">{{a|-}}<a href="{{a|-}}">x</a><a href="/{{a|-}}">x</a><img alt=\'{{a|-}}\'></p>'
    written = render(html, {"a": value})
    skeleton = re.sub(
        r'(?<=title=")[^"]*(?=")|(?<=href=")[^"]*(?=")|(?<=alt=\')[^\']*(?=\')|(?<=">)[^<]*(?=<a)', "", written
    )
    assert skeleton == '<p title=""><a href="">x</a><a href="">x</a><img alt=\'\'></p>'


@given(TEXTS, VALUES)
def test_a_value_is_written_whole_and_never_evaluated(text: str, values: dict[str, str]) -> None:
    """A value takes part as one piece: replaced by a sign of its own, the text around it stays the same."""
    signs = {"a": "\ue000", "b": "\ue001"}
    try:
        around = render_plain(text, {key: signs[key] for key, value in values.items() if value.strip()})
    except MergeError:
        return
    for key, sign in signs.items():
        around = around.replace(sign, " ".join(values.get(key, "").split()))
    assert render_plain(text, values) == around


@given(TEXTS, VALUES)
def test_filling_first_changes_nothing_about_the_mail(text: str, values: dict[str, str]) -> None:
    try:
        expected = render(text, values)
    except MergeError:
        return
    assert render(fill(text, values), values) == expected


@given(st.text(max_size=80))
def test_a_key_can_be_written_as_a_field(name: str) -> None:
    key = key_of(name)
    if key and len(key) <= 60:
        assert render_plain(f"{{{{{key}}}}}", {key: "x"}) == "x"
