"""Pages obey the content policy by the way they are written, and every picture they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

pytestmark = pytest.mark.once

PACKAGE = Path(__file__).parents[2] / "otklik"
PAGES = sorted(PACKAGE.rglob("templates/**/*.html"))
SCRIPTS = sorted((PACKAGE / "static" / "js").glob("*.js"))
STYLES = sorted((PACKAGE / "static" / "css").glob("*.css"))
FORBIDDEN_IN_PAGES = {
    "a style in place": r"\sstyle\s*=",
    "a style sheet in place": r"<style\b",
    "a handler in place": r"<[^>]*\son[a-z]+\s*=\s*[\"']",
    "a script as address": r"javascript:",
    "an asset of another host": r"<(?:script|img|link|iframe|source|use)\b[^>]*(?:src|href)\s*=\s*[\"'](?:https?:)?//",
}
FORBIDDEN_IN_SCRIPTS = {
    "text run as code": r"\beval\s*\(|\bnew\s+Function\b|set(?:Timeout|Interval)\s*\(\s*[\"'`]",
    "text written as page": r"document\.write|insertAdjacentHTML|outerHTML",
    "another host": r"[\"'`](?:https?:)?//[a-z]",
}


def without_comments(text: str) -> str:
    return re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}|<!--.*?-->", "", text, flags=re.S)


def found(pattern: str, files: list[Path]) -> list[str]:
    """Return `file: text` of every match."""
    return [
        f"{path.relative_to(PACKAGE)}: {match[0][:80]}"
        for path in files
        for match in re.finditer(pattern, without_comments(path.read_text(encoding="utf-8")), re.I)
    ]


def test_there_is_something_to_look_at() -> None:
    assert len(PAGES) > 60
    assert len(SCRIPTS) > 4
    assert len(STYLES) > 2


@pytest.mark.parametrize("name", FORBIDDEN_IN_PAGES)
def test_no_page_bears(name: str) -> None:
    assert found(FORBIDDEN_IN_PAGES[name], PAGES) == []


def test_a_script_in_place_bears_the_nonce() -> None:
    scripts = found(r"<script\b[^>]*>", PAGES)
    assert scripts
    assert [one for one in scripts if "src=" not in one and "nonce=" not in one] == []


@pytest.mark.parametrize("name", FORBIDDEN_IN_SCRIPTS)
def test_no_script_bears(name: str) -> None:
    assert found(FORBIDDEN_IN_SCRIPTS[name], SCRIPTS) == []


def test_only_parts_rendered_by_our_server_are_written_as_page() -> None:
    written = found(r"\w*\.?innerHTML\s*=[^=][^;]*", SCRIPTS)
    assert [one for one in written if not re.search(r"= said\.(checks|used|compared)$", one)] == []


def test_no_style_sheet_fetches_from_another_host() -> None:
    assert found(r"(?:url\(\s*[\"']?|@import\s+[\"'])(?:https?:)?//", STYLES) == []


def test_every_icon_is_there() -> None:
    if not finders.find("vendor/icons/outline/x.svg"):
        pytest.skip("Иконки не установлены: make assets")
    named = {
        match[1]
        for path in PAGES
        for match in re.finditer(r"{% icon \"([a-z0-9-]+)\"", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 40
    assert sorted(name for name in named if not finders.find(f"vendor/icons/outline/{name}.svg")) == []
