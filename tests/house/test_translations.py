"""What libraries say in our pages: in Russian, and true."""

from __future__ import annotations

from django.utils.translation import gettext

from scripts import translations


def test_what_django_reads_is_made_of_what_people_edit():
    assert (translations.FOLDER / "django.mo").read_bytes() == translations.compiled()


def test_the_editor_does_not_threaten_to_write_over_anybody():
    assert "ничего не пропадёт" in gettext("Saving will overwrite a newer version.")
