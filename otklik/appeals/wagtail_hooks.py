"""Dictionaries of the appeals room in `/cms/`: what they change takes effect from its date on, by itself."""

from __future__ import annotations

from wagtail.admin.panels import FieldPanel, FieldRowPanel
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet, SnippetViewSetGroup

from otklik.appeals.models import ChannelDefault, Need, NumberPattern, QuestionKind, Topic
from otklik.correspondence.models import ContactPoint

VALIDITY = FieldRowPanel([FieldPanel("valid_from"), FieldPanel("valid_to")])


class TopicViewSet(SnippetViewSet):
    """The thematic classifier."""

    model = Topic
    icon = "list-ul"
    list_display = ["code", "name", "unit", "version", "valid_to"]
    list_filter = ["version", "leaf", "unit"]
    search_fields = ["code", "name", "hints"]
    panels = [
        FieldRowPanel([FieldPanel("code"), FieldPanel("version"), FieldPanel("leaf")]),
        FieldPanel("name"),
        FieldPanel("parent_code"),
        FieldPanel("unit"),
        FieldPanel("hints"),
        VALIDITY,
    ]


class NeedViewSet(SnippetViewSet):
    """Typical needs of clients."""

    model = Need
    icon = "tag"
    list_display = ["name", "code", "order", "valid_to"]
    search_fields = ["name", "hints"]
    panels = [
        FieldPanel("name"),
        FieldRowPanel([FieldPanel("code"), FieldPanel("order")]),
        FieldPanel("hints"),
        VALIDITY,
    ]


class KindViewSet(SnippetViewSet):
    """Types and subtypes of questions."""

    model = QuestionKind
    icon = "list-ul"
    list_display = ["code", "official", "name", "valid_to"]
    search_fields = ["name", "hints"]
    panels = [
        FieldPanel("name"),
        FieldRowPanel([FieldPanel("code"), FieldPanel("official"), FieldPanel("parent_code"), FieldPanel("order")]),
        FieldPanel("hints"),
        VALIDITY,
    ]


class ContactPointViewSet(SnippetViewSet):
    """Where people reach the department."""

    model = ContactPoint
    icon = "site"
    list_display = ["name", "channel", "address", "valid_to"]
    list_filter = ["channel"]
    panels = [
        FieldPanel("name"),
        FieldRowPanel([FieldPanel("code"), FieldPanel("channel"), FieldPanel("order")]),
        FieldPanel("address"),
        VALIDITY,
    ]


class ChannelDefaultViewSet(SnippetViewSet):
    """Which regime is offered for which channel."""

    model = ChannelDefault
    icon = "cogs"
    list_display = ["channel", "identified", "regime", "valid_from", "valid_to"]
    list_filter = ["regime"]
    panels = [
        FieldRowPanel([FieldPanel("channel"), FieldPanel("identified"), FieldPanel("written")]),
        FieldPanel("regime"),
        FieldPanel("why"),
        VALIDITY,
    ]


class NumberPatternViewSet(SnippetViewSet):
    """How our own numbers look."""

    model = NumberPattern
    icon = "order"
    list_display = ["pattern", "valid_from"]
    panels = [FieldPanel("pattern"), FieldPanel("valid_from")]


class AppealDictionaries(SnippetViewSetGroup):
    """One menu entry for all of them."""

    items = (TopicViewSet, NeedViewSet, KindViewSet, ContactPointViewSet, ChannelDefaultViewSet, NumberPatternViewSet)
    menu_label = "Справочники обращений"
    menu_name = "appeal-dictionaries"
    menu_icon = "list-ul"
    menu_order = 300


register_snippet(AppealDictionaries)
