"""Pictures of the guides in docs/, made by the stories themselves: `OTKLIK_PICTURES=yes make test`."""

from __future__ import annotations

import os

from playwright.sync_api import Page

from tests.browser.house import ROOT


def take(page: Page, name: str) -> None:
    """Save what is seen now as `docs/pictures/<name>.png`, where pictures are asked for."""
    if os.environ.get("OTKLIK_PICTURES"):
        page.screenshot(path=ROOT / "docs" / "pictures" / f"{name}.png")
