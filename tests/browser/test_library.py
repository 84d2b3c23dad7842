"""Templates in a real browser: written with fields, previewed for a person, put into a mail by keyboard, and sent."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.program import Program

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def write_template(page: Page, name: str, text: str, kind: str = "template") -> None:
    page.goto(f"/library/new?kind={kind}")
    page.get_by_label("Name", exact=True).fill(name)
    page.locator("#editor").click()
    page.keyboard.type(text)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(f"Saved “{name}”")).to_be_visible()


def value(page: Page, field: str) -> str:
    return page.locator(f"#compose [name={field}]").input_value()


def test_a_field_goes_where_the_caret_was_and_the_preview_follows(page: Page) -> None:
    page.goto("/library/new")
    page.get_by_label("Subject").fill("Hello ")
    page.locator("summary", has_text="Field").click()
    page.get_by_role("button", name="First name").click()
    expect(page.get_by_label("Subject")).to_have_value("Hello {{first_name}}")
    page.locator("#editor").click()
    page.keyboard.type("How is {{company}}?")
    page.get_by_label("As this person gets it").fill("flynn")
    expect(page.locator("#preview-people label")).to_have_count(2)
    page.locator("#preview-people label", has_text="Kevin Flynn").click()
    expect(page.locator("#preview")).to_contain_text("Hello Kevin")
    expect(page.frame_locator("iframe[name=preview-mail]").locator("mark")).to_have_text("{{company}}")


def test_the_toolbar_is_one_stop_of_the_tab_key_with_arrows_inside(page: Page) -> None:
    page.goto("/library/new")
    page.get_by_label("Subject").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Bold")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Italic")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("button", name="Content")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("summary", has_text="Field")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="First name")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="First name")).to_be_hidden()
    page.keyboard.press("Tab")
    expect(page.locator("#editor")).to_be_focused()


def test_what_is_pasted_keeps_plain_formatting_only(page: Page) -> None:
    page.goto("/library/new")
    page.locator("#editor").click()
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData("text/html", '<h1 class="x">Title</h1><p>A <span>b</span><script>1</script> '
            + '<a href="javascript:alert(1)">bad</a> <a href="https://acme.example/">good</a></p>');
          const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
          document.getElementById("editor").dispatchEvent(event);
        }"""
    )
    html = page.locator("#html").input_value()
    assert "Title" in html
    assert '<a href="https://acme.example/">good</a>' in html
    assert not any(mark in html for mark in ("javascript", "<script", "<h1", "class="))


def test_a_template_and_a_snippet_are_put_in_by_keyboard_and_sent(page: Page, program: Program) -> None:
    program.post("/templates", kind="template", name="Sprint review", html="<p>Done</p>")  # found until the last letter
    write_template(page, "Spring hello", "Hi {{first_name|there}}")
    write_template(page, "Price", "It costs 10 EUR", "snippet")
    page.goto("/compose?to=flynn@flynnsarcade.com&subject=Spring")
    page.get_by_role("button", name="Template", exact=True).click()
    expect(page.locator("#library-picker-search")).to_be_focused()
    page.keyboard.type("spring")
    expect(page.locator("#library-picker-lines li")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#editor")).to_contain_text("Hi Kevin")
    page.get_by_role("button", name="Snippet", exact=True).click()
    expect(page.locator("#library-picker-search")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#editor")).to_contain_text("It costs 10 EUR")
    assert value(page, "html") == "<p>Hi Kevin</p><p>It costs 10 EUR</p>"
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="Spring")).to_be_visible()


def test_a_signature_begins_mail_and_a_template_goes_before_it(page: Page) -> None:
    page.goto("/library/signatures/new")
    page.get_by_label("Name", exact=True).fill("Work")
    page.locator("#editor").click()
    page.keyboard.type("Riley, Warmline")
    page.get_by_role("button", name="Save").click()
    write_template(page, "Autumn hello", "Good morning")
    page.goto("/compose")
    expect(page.locator("#editor .mail-signature")).to_have_text("Riley, Warmline")
    page.get_by_role("button", name="Template", exact=True).click()
    page.get_by_role("link", name="Autumn hello").click()
    expect(page.locator("#editor")).to_contain_text("Good morning")
    assert value(page, "html") == '<p>Good morning</p><div class="mail-signature"><p>Riley, Warmline</p></div>'


def test_a_sample_says_that_it_is_on_its_way(page: Page) -> None:
    page.goto("/library/new?kind=snippet")
    page.get_by_label("Name", exact=True).fill("Sampled")
    page.locator("#editor").click()
    page.keyboard.type("Look at this")
    page.get_by_label("To", exact=True).fill("boss@acme.example")
    page.get_by_role("button", name="Send sample").click()
    expect(page.locator("#sample-said")).to_contain_text("On its way to boss@acme.example")
    expect(page.locator("#editor")).to_contain_text("Look at this")
