"""«Версия для слабовидящих»: size, spacing, colours and pictures, remembered in a cookie, drawn without scripts.

The habits of Russian state sites (ГОСТ Р 52872): a link at the top of every public page, the settings above its
text. The cookie holds the four choices and nothing about the person.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from otklik.core.access import public
from otklik.core.pages import A_YEAR, safe_back

COOKIE: Final = "low_vision"
SETTLING: Final = "low_vision_settings"  # for a minute after a choice the settings stay open
# What can be chosen: code → words on the button.
SIZES: Final = {"100": "100 %", "150": "150 %", "200": "200 %"}
SPACINGS: Final = {"normal": "обычные", "wide": "больше", "widest": "самые большие"}
COLOURS: Final = {"white": "чёрным по белому", "black": "белым по чёрному", "blue": "тёмно-синим по голубому"}
PICTURES: Final = {"on": "показывать", "off": "не показывать"}
CHOICES: Final = {"size": SIZES, "spacing": SPACINGS, "colours": COLOURS, "pictures": PICTURES}
GROUPS: Final = {"size": "Размер букв", "spacing": "Промежутки", "colours": "Цвета", "pictures": "Картинки"}
STAFF: Final = ("/desk/", "/cms/", "/api/")


@dataclass(frozen=True)
class View:
    """How a reader wants to see the public pages."""

    size: str = "150"
    spacing: str = "normal"
    colours: str = "white"
    pictures: str = "on"

    @property
    def classes(self) -> str:
        """Return what `<html>` bears."""
        chosen = (f"lv-{one.name}-{getattr(self, one.name)}" for one in fields(self))
        return " ".join(["lv", *chosen])

    @property
    def groups(self) -> list[tuple[str, str, list[tuple[str, str, bool]]]]:
        """Return the settings as groups of buttons: field, words, (code, words, chosen)."""
        return [
            (name, words, [(code, said, code == getattr(self, name)) for code, said in CHOICES[name].items()])
            for name, words in GROUPS.items()
        ]

    def cookie(self) -> str:
        """Return the choices as the cookie keeps them."""
        return ".".join(getattr(self, one.name) for one in fields(self))


def chosen(request: HttpRequest) -> View | None:
    """Return how this reader sees public pages; None for the usual look, and at the desk."""
    kept = request.COOKIES.get(COOKIE, "")
    if not kept or request.path.startswith(STAFF):
        return None
    parts = dict(zip(CHOICES, kept.split("."), strict=False))
    return View(**{name: part for name, part in parts.items() if part in CHOICES[name]})


def shown(request: HttpRequest) -> dict[str, object]:
    """Give templates `low_vision`, the choices or None, and whether the reader is choosing now."""
    return {"low_vision": chosen(request), "low_vision_settling": SETTLING in request.COOKIES}


@public
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Remember one choice; the first one turns the version on, «обычная версия» forgets it."""
    response = HttpResponseRedirect(safe_back(request))
    if "off" in request.POST:
        response.delete_cookie(COOKIE, samesite="Lax")
        return response
    changed = {name: value for name in CHOICES if (value := request.POST.get(name, "")) in CHOICES[name]}
    view = replace(chosen(request) or View(), **changed)
    response.set_cookie(COOKIE, view.cookie(), max_age=A_YEAR, samesite="Lax", secure=request.is_secure())
    response.set_cookie(SETTLING, "open", max_age=60, samesite="Lax", secure=request.is_secure())
    return response
