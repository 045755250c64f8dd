"""One small department as a running web process, shared by the short stories of the browser."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page

from tests import components
from tests.browser.house import serving

FILL = """
import json
from tests.browser import department
filled = department.fill()
department.letters(13)
print(json.dumps(filled))
"""


@dataclass(frozen=True)
class Desk:
    """A running system with people signed in beforehand, and what there is to work on."""

    url: str
    filled: dict[str, Any]
    env: dict[str, str]

    def happens(self, lines: str) -> str:
        """Let something happen behind the pages: Python lines in a process of their own; return what they print."""
        command = [sys.executable, "-c", f"import django; django.setup()\n{lines}"]
        done = subprocess.run(command, env=self.env, check=True, capture_output=True, text=True)
        return done.stdout

    def sit(self, new_page: Callable[..., Page], login: str, **options: Any) -> Page:
        """Open a browser as this employee; options are those of a browser's context."""
        page = new_page(**options)
        page.context.add_cookies([{"name": "sessionid", "value": self.filled["sessions"][login], "url": self.url}])
        return page


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Run the small department once for all stories that ask for it."""
    components.CHROMIUM.require()
    with serving(tmp_path_factory.mktemp("desk"), FILL, OTKLIK_UNDO_SECONDS="60") as (url, env, printed):
        yield Desk(url, json.loads(printed.splitlines()[-1]), env)
