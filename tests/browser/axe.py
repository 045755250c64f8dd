"""axe and what else judges a page as it stands in the browser: findings are serious or critical ones."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Error, Page

from tests import sizes

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RUN_AXE = """
async ([places, rules]) => {
  // What the page has put anew by itself meanwhile is another element in the same place.
  const include = places?.map((place) => window.inked[place]).filter((one) => one.isConnected);
  if (include && !include.length) return [];
  const where = include ? {include} : document;
  const options = {resultTypes: ["violations"], preload: false, iframes: false, ...rules};
  return (await axe.run(where, options)).violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(" ")}`));
}
"""
# What has letters of its own, and where it stands: tags, classes and states from the page down to it.
INKED = """
() => {
  const states = ["class", "style", "type", "open", "disabled", "aria-current", "aria-selected", "aria-invalid"];
  const named = (one) => one.tagName + states.map((name) => `|${one.getAttribute(name) ?? ""}`).join("");
  const way = (one) => one ? `${way(one.parentElement)} > ${named(one)}` : "";
  const letters = (one) => [...one.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
  window.inked = [...document.querySelectorAll("body, body *")]
    .filter((one) => (letters(one) || one.matches("input, select, textarea")) && one.checkVisibility());
  return window.inked.map(way);
}
"""
SIDEWAYS = """
() => document.documentElement.scrollWidth <= innerWidth ? "" : [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
  .slice(0, 3).map((one) => `${one.tagName}.${one.className}`).join(", ") || "?"
"""
WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 320, "height": 640}
AGAIN = 2  # axe stumbles over an element that the page takes away while it is being read
COLOURS = ["color-contrast", "link-in-text-block"]  # the other rules do not see the theme
NO_COLOURS = {"rules": {name: {"enabled": False} for name in COLOURS}}
ONLY_COLOURS = {"runOnly": COLOURS}


def findings(page: Page, rules: Mapping[str, Any], places: list[int] | None = None) -> list[str]:
    """Give what axe finds on a page that has loaded `AXE`; `places`: only at these letters, as `INKED` gave them."""
    for _ in range(AGAIN):
        with suppress(Error):
            found: list[str] = page.evaluate(RUN_AXE, [places, dict(rules)])
            return found
        page.wait_for_timeout(200)
    return list(page.evaluate(RUN_AXE, [places, dict(rules)]))


def judge(page: Page) -> None:
    """The page can be read: in both themes, wide and on a small telephone."""
    page.evaluate(AXE)
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found += findings(page, {} if theme == "light" else ONLY_COLOURS)
    page.set_viewport_size(NARROW)
    wider = page.evaluate(SIDEWAYS)
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    assert (found, wider) == ([], ""), page.url


def judge_again(page: Page) -> None:
    """In a proof: judge a page in the state a story brought it to; as it opens, the walk over all pages judges it."""
    if sizes.FULL:
        judge(page)
