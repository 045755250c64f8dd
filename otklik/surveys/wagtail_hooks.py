"""Dictionaries of what people say: tags, and what the figures ought to be."""

from __future__ import annotations

from wagtail import hooks
from wagtail.admin.panels import FieldPanel, FieldRowPanel
from wagtail.admin.viewsets.base import ViewSetGroup

from otklik.core import cms
from otklik.surveys.models import OpinionTag, OpinionTarget


class TagDictionary(cms.Dictionary):
    """What opinions are about."""

    model = OpinionTag
    icon = "tag"
    menu_label = "Метки отзывов"
    list_display = ["name", "valid_from", "valid_to"]
    panels = [FieldPanel("name"), FieldRowPanel([FieldPanel("valid_from"), FieldPanel("valid_to")])]


class TargetDictionary(cms.Dictionary):
    """What the figures of opinions ought to be, from a day on."""

    model = OpinionTarget
    icon = "success"
    menu_label = "Целевые значения отзывов"
    list_display = ["figure", "percent", "valid_from", "valid_to"]
    panels = [
        FieldRowPanel([FieldPanel("figure"), FieldPanel("percent")]),
        FieldRowPanel([FieldPanel("valid_from"), FieldPanel("valid_to")]),
        FieldPanel("basis"),
    ]


class OpinionDictionaries(ViewSetGroup):
    """One menu entry for both."""

    items = (
        TagDictionary("opinion_tags", url_prefix="opinion-tags"),
        TargetDictionary("opinion_targets", url_prefix="opinion-targets"),
    )
    menu_label = "Отзывы"
    menu_name = "opinion-dictionaries"
    menu_icon = "tag"
    menu_order = 320


@hooks.register("register_admin_viewset")
def dictionaries() -> OpinionDictionaries:
    """Show the dictionaries of opinions."""
    return OpinionDictionaries()
