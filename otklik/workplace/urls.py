"""Addresses of the workplace, one block per kind of work."""

from django.urls import URLPattern, URLResolver, path

from otklik.workplace import answer_urls, applicants, card, feedback, intake, kb, menu, queue, search, today

app_name = "workplace"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", today.today, name="today"),
    path("menu/", menu.menu, name="menu"),
    path("search/", search.search, name="search"),
    # Queue and intake
    path("appeals/", queue.queue, name="queue"),
    path("appeals/new/", intake.new_appeal, name="new_appeal"),
    path("walk/<int:pk>/<slug:way>/", queue.neighbour, name="neighbour"),
    path("inbox/<int:pk>/", intake.message, name="inbox"),
    path("inbox/<int:pk>/join/", intake.join, name="join"),
    path("inbox/<int:pk>/reject/", intake.reject, name="reject"),
    path("inbox/<int:pk>/original/", card.original, name="original"),
    path("inbox/<int:pk>/styled/", card.styled, name="styled"),
    # Card
    path("appeals/<int:pk>/", card.card, name="card"),
    path("appeals/<int:pk>/context/", card.context, name="context"),
    path("appeals/<int:pk>/suggested/", card.suggested, name="suggested"),
    path("appeals/<int:pk>/alike/", card.alike, name="alike"),
    path("appeals/<int:pk>/note/", card.note, name="note"),
    path("appeals/<int:pk>/read/", card.read, name="read"),
    path("files/in/<int:pk>/", card.incoming_file, name="incoming_file"),
    path("files/out/<int:pk>/", card.outgoing_file, name="outgoing_file"),
    # Applicants
    path("applicants/", applicants.applicants, name="applicants"),
    path("applicants/<int:pk>/", applicants.applicant, name="applicant"),
    path("applicants/<int:pk>/reveal/", applicants.reveal, name="reveal"),
    path("applicants/<int:pk>/merge/", applicants.merge, name="merge"),
    path("merges/<int:pk>/undo/", applicants.undo_merge, name="undo_merge"),
    path("feedback/", feedback.feedback_list, name="feedback"),
    # Knowledge Base
    path("kb/", kb.home, name="knowledge"),
    path("kb/sections/<row:pk>/", kb.section, name="knowledge_section"),
    path("kb/<row:pk>/", kb.material, name="knowledge_material"),
    # The answer's way, quarantine, calendar, journal
    *answer_urls.urlpatterns,
]
