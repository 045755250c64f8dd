"""Steps that several stories in the browser take the same way."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Locator, Page


def press(page: Page, button: Locator) -> None:
    """Press a button and wait until the house has done what it asks: the next step may be somebody else's."""
    # Not just any answer: presence and drafts are told by themselves all the time.
    action = button.evaluate("(one) => one.hasAttribute('formaction') ? one.formAction : one.form.action")
    action = action.partition("#")[0]
    with page.expect_response(lambda answer: answer.request.method == "POST" and answer.url == action):
        button.click()


def choose_signer(page: Page, signer: str) -> None:
    """Choose who signs by the beginning of his name: other stories may have brought more of those who may."""
    signers = page.get_by_label("Кто подпишет")
    signers.select_option(label=signers.locator("option", has_text=signer).inner_text().strip())


def sign_in_sed(clerk: Page, card: str, *, signer: str) -> None:
    """Freeze the approved text for the signer, then record the signature made in the government's system."""
    clerk.goto(f"{card}sign/")
    choose_signer(clerk, signer)
    press(clerk, clerk.get_by_role("button", name="Передать на подпись"))
    clerk.locator("summary", has_text="В СЭД").click()
    sed = clerk.locator("form", has=clerk.locator("input[value=sed]"))
    sed.get_by_label(re.compile("Номер")).fill("77/02-исх")
    press(clerk, sed.get_by_role("button"))


def until(page: Page, url: str, text: str, seconds: float = 45) -> None:
    """Open the page again and again until the text is there."""
    deadline = time.monotonic() + seconds
    while True:
        page.goto(url)
        if text.lower() in page.locator("body").inner_text().lower():
            return
        assert time.monotonic() < deadline, f"«{text}» не появилось на {url}"
        time.sleep(0.5)
