"""Where Wagtail asks us."""

from __future__ import annotations

from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from wagtail import hooks


@hooks.register("insert_global_admin_js")
def scripts() -> SafeString:
    """Return what pages of `/cms/` do before the server: pasted text keeps its structure, too much is held back."""
    return format_html(
        '<script src="{}" defer></script><script src="{}" data-most="{}" defer></script>',
        static("js/cms-paste.js"),
        static("js/cms-size.js"),
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    )
