"""The editor of rich text at `/cms/`: what did not come from it is shown back as plain paragraphs, with its error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.html import escape
from wagtail.admin.rich_text.editors.draftail import DraftailRichTextArea

WRONG: Final = (
    "Текст пришёл не из редактора и не сохранён. Здесь он показан простыми абзацами: проверьте их и сохраните ещё раз."
)
# Draftail's own quarter of a second loses the last word of who types it and presses Ctrl+S.
_TYPED_MS: Final = 20


class RichTextArea(DraftailRichTextArea):  # type: ignore[misc]
    """Draftail; a text it did not write (without scripts, cut short, of a program) is refused in words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Ask the editor to put what is typed into the form before a hand can reach «Сохранить»."""
        super().__init__(*args, **kwargs)
        self.options["stateSaveInterval"] = _TYPED_MS

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> str | None:
        """Return the text as a page keeps it; of what is not the editor's every line is a paragraph."""
        given = data.get(name)
        kept = self._converted(given)
        if kept is None and given is not None:
            return "".join(f"<p>{escape(line)}</p>" for line in str(given).splitlines())
        return kept

    def is_foreign(self, data: Mapping[str, Any], name: str) -> bool:
        """Tell whether something was sent that the editor did not write."""
        given = data.get(name)
        return given is not None and self._converted(given) is None

    def _converted(self, given: Any) -> str | None:
        try:
            return str(self.converter.to_database_format(given))
        except Exception:  # a made-up state fails in the converter in many ways, all of them the sender's
            return None
