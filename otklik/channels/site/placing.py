"""The form on the department's own site: which sites may show it in a frame, and the code its editor pastes."""

from __future__ import annotations

import re
from typing import Final

from django.conf import settings
from django.utils.html import escape

ADDRESS: Final = "/embed/write/"
HEIGHT: Final = 900


def origins() -> list[str]:
    """Return the sites that may show the form in a frame; what is no address of a site is passed over."""
    return [one for one in settings.EMBED_ORIGINS if re.fullmatch(r"https?://[a-z0-9.-]+(:\d+)?", one)]


def passed_over() -> list[str]:
    """Return what stands in the setting and is no address of a site."""
    return [one for one in settings.EMBED_ORIGINS if one not in origins()]


def snippet() -> str:
    """Return what the editor of the department's site pastes: a frame, without a script."""
    address = escape(f"{settings.BASE_URL}{ADDRESS}")
    return (
        f'<iframe src="{address}" title="Написать в департамент" width="100%" height="{HEIGHT}" loading="lazy" '
        f'style="border:0"></iframe>\n<p><a href="{escape(settings.BASE_URL)}/write/">Открыть форму отдельно</a></p>'
    )
