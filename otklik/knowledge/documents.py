"""Files of the Knowledge Base at the door: what is let in by the forms of `/cms/`, and to whom it is given out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe
from wagtail.documents.forms import BaseDocumentForm
from wagtail.documents.models import Document

from otklik.core import files
from otklik.core.access import public
from otklik.knowledge import materials
from otklik.knowledge.models import PublicVersion


class DocumentForm(BaseDocumentForm):  # type: ignore[misc]
    """Wagtail's form of a document that believes no name, and changes nothing of what citizens read."""

    def clean_file(self) -> Any:
        """Refuse what is no harmless document."""
        file = self.cleaned_data["file"]
        if isinstance(file, UploadedFile):
            try:
                files.check(file, file.name or "", inert=True)
            except files.Refused as refused:
                raise forms.ValidationError(str(refused)) from refused
        return file

    def clean(self) -> Any:
        """Refuse to change what a second person let out to the site."""
        cleaned = super().clean()
        changed = {"title", "file"}.intersection(self.changed_data)
        if changed and self.instance.pk and PublicVersion.objects.filter(documents=self.instance.pk).exists():
            self.add_error(
                "file" if "file" in changed else "title",
                "Этот файл читают граждане. Загрузите новый файл отдельно, поставьте его в материал вместо прежнего "
                "и выпустите материал на сайт.",
            )
        return cleaned

    def save(self, commit: bool = True) -> Any:
        """Save; the bytes of a replaced file go when the change is certain."""
        replaced: Any = self.original_file if commit and "file" in self.changed_data else None
        if replaced:
            self.original_file: Any = None
            transaction.on_commit(lambda: replaced.storage.delete(replaced.name))
        return super().save(commit=commit)


@public
@require_safe
def give_out(request: HttpRequest, pk: int, name: str) -> FileResponse:
    """Give a document to be saved: to employees who read the Knowledge Base, to citizens only what is on the site."""
    document = get_object_or_404(Document, pk=pk)
    if document.filename != name or not _may_have(request.user, document):
        raise Http404
    try:
        content = document.file.storage.open(document.file.name)
    except FileNotFoundError as lost:
        raise Http404 from lost
    return files.download(FileResponse(content, content_type=document.content_type), document.filename)


def _may_have(user: Any, document: Document) -> bool:
    if user.is_authenticated and user.has_power("knowledge.read"):
        return True
    return materials.for_public().filter(public_version__documents=document).exists()
