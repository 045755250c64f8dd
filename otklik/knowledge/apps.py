"""Django application of this room."""

from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    """Registers the room with Django and begins to listen to its pages."""

    name = "otklik.knowledge"
    label = "knowledge"
    verbose_name = "База знаний"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Keep the index, the journal, the authors' groups, reviews and proposals in step with the pages."""
        from otklik.knowledge import agreement, archive, file_texts, history, index, proposals, quarters, review, rights

        agreement.connect()
        archive.connect()
        file_texts.connect()
        history.connect()
        index.connect()
        rights.connect()
        quarters.connect()
        review.connect()
        proposals.connect()
