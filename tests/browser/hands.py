"""Two hands and a keyboard in the Russian layout: no mouse, every key counted, the place of the cursor always seen."""

from __future__ import annotations

import time
from typing import Final

from playwright.sync_api import Page

LATIN: Final = "QWERTYUIOPASDFGHJKLZXCVBNM"
RUSSIAN: Final = "йцукенгшщзфывапролдячсмить"
SIGNS: Final = {"Comma": ("б", 188), "Period": ("ю", 190), "Slash": (".", 191)}
MOST_TABS: Final = 60
# What has the cursor and does not show it: without a ring, or outside of what is seen.
UNSEEN = """
() => {
  const one = document.activeElement;
  if (!one || one === document.body || one.id === "content") return "";
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  const ring = one.matches(":focus-visible") && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const inside = box.bottom > 0 && box.top < innerHeight && box.width > 0;
  return ring && inside ? "" : `${ring ? "за краем" : "без рамки"}: ${one.outerHTML.slice(0, 160)}`;
}
"""
HERE = """
() => {
  const one = document.activeElement;
  const said = one.getAttribute("aria-label") || one.labels?.[0]?.innerText || one.innerText || "";
  return said.replace(/\\s+/g, " ").trim();
}
"""


class Hands:
    """Press keys on a page; `pressed` counts them, a held key with another is one.

    `rest`: milliseconds before a key, as of somebody who reads what the last one has changed. Parts of a page that come
    from the server put the cursor back where it was a moment after they are seen: no hand is quicker than that. Nor is
    any quicker than a page that is still loading: a key waits for it.
    """

    def __init__(self, page: Page, *, rest: int = 0) -> None:
        self.rest = rest
        self.page, self.pressed, self.began = page, 0, time.monotonic()
        self._raw = page.context.new_cdp_session(page)

    def key(self, *keys: str) -> None:
        """Press keys that are the same in every layout: «Enter», «Tab», «Control+Enter»."""
        for one in keys:
            if self.rest:
                self.page.wait_for_timeout(self.rest)
            self.page.wait_for_load_state()
            self.page.keyboard.press(one)
            self._count()

    def letter(self, *places: str) -> None:
        """Press single keys by their place, as the Russian layout sends them: «KeyE» comes as «у»."""
        for place in places:
            self.page.wait_for_load_state()
            sign, code = SIGNS.get(place) or (RUSSIAN[LATIN.index(place[3:])], ord(place[3:]))
            facts = {"code": place, "key": sign, "windowsVirtualKeyCode": code}
            self._raw.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": sign, **facts})
            self._raw.send("Input.dispatchKeyEvent", {"type": "keyUp", **facts})
            self._count()

    def type(self, text: str) -> None:
        """Type words where the cursor stands; in a list of choices the first letters choose."""
        self.page.wait_for_load_state()
        for sign in text:
            self._raw.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": sign, "key": sign})
            self._raw.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": sign})
        self.pressed += len(text) - 1
        self._count()

    def tab_to(self, name: str) -> None:
        """Go on by Tab until what has the cursor is called so."""
        for _ in range(MOST_TABS):
            if name.lower() in self.here().lower():
                return
            self.key("Tab")
        raise AssertionError(f"«{name}» не достать клавишей Tab; сейчас: {self.here()}")

    def here(self) -> str:
        """Return what the thing with the cursor is called."""
        return str(self.page.evaluate(HERE))

    def _count(self) -> None:
        self.pressed += 1
        try:
            for _ in range(15):  # the browser may still be scrolling to it
                if not (unseen := self.page.evaluate(UNSEEN)):
                    break
                self.page.wait_for_timeout(200)
        except Exception as left:  # the key has led to another page
            if "context was destroyed" not in str(left) and "navigation" not in str(left):
                raise
            return
        assert not unseen, unseen
