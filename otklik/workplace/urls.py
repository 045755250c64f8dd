"""Addresses of the workplace, one block per kind of work."""

from django.urls import URLPattern, URLResolver, path

from otklik.workplace import (
    answer_urls,
    applicants,
    bulk,
    card,
    feedback,
    intake,
    kb,
    kb_votes,
    menu,
    notice_pages,
    palette,
    presence,
    queue,
    saved,
    search,
    staff_urls,
    system,
    today,
)

app_name = "workplace"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", today.today, name="today"),
    path("menu/", menu.menu, name="menu"),
    path("search/", search.search, name="search"),
    path("palette/", palette.palette, name="palette"),
    path("here/", presence.around, name="around"),
    path("notices/", notice_pages.notice_list, name="notices"),
    path("notices/read/", notice_pages.read, name="notices_read"),
    path("notices/bell/", notice_pages.bell, name="bell"),
    path("notices/settings/", notice_pages.notice_settings, name="notice_settings"),
    path("here/appeal/<row:pk>/", presence.here, {"kind": "appeal"}, name="here_appeal"),
    path("here/message/<row:pk>/", presence.here, {"kind": "message"}, name="here_message"),
    # Queue and intake
    path("appeals/", queue.queue, name="queue"),
    path("bulk/", bulk.begin, name="bulk_begin"),
    path("bulk/<row:pk>/", bulk.run, name="bulk_run"),
    path("bulk/<row:pk>/progress/", bulk.progress, name="bulk_progress"),
    path("views/", saved.keep, name="keep_view"),
    path("views/<row:pk>/remove/", saved.remove, name="remove_view"),
    path("appeals/new/", intake.new_appeal, name="new_appeal"),
    path("walk/<row:pk>/<slug:way>/", queue.neighbour, name="neighbour"),
    path("inbox/<row:pk>/", intake.message, name="inbox"),
    path("inbox/<row:pk>/join/", intake.join, name="join"),
    path("inbox/<row:pk>/reject/", intake.reject, name="reject"),
    path("inbox/<row:pk>/original/", card.original, name="original"),
    path("inbox/<row:pk>/styled/", card.styled, name="styled"),
    # Card
    path("appeals/<row:pk>/", card.card, name="card"),
    path("appeals/<row:pk>/context/", card.context, name="context"),
    path("appeals/<row:pk>/suggested/", card.suggested, name="suggested"),
    path("appeals/<row:pk>/alike/", card.alike, name="alike"),
    path("appeals/<row:pk>/note/", card.note, name="note"),
    path("appeals/<row:pk>/colleagues/", notice_pages.colleagues, name="colleagues"),
    path("appeals/<row:pk>/attention/", notice_pages.attention, name="attention"),
    path("appeals/<row:pk>/read/", card.read, name="read"),
    path("files/in/<row:pk>/", card.incoming_file, name="incoming_file"),
    path("files/out/<row:pk>/", card.outgoing_file, name="outgoing_file"),
    # Applicants
    path("applicants/", applicants.applicants, name="applicants"),
    path("applicants/<row:pk>/", applicants.applicant, name="applicant"),
    path("applicants/<row:pk>/reveal/", applicants.reveal, name="reveal"),
    path("applicants/<row:pk>/merge/", applicants.merge, name="merge"),
    path("merges/<row:pk>/undo/", applicants.undo_merge, name="undo_merge"),
    path("feedback/", feedback.feedback_list, name="feedback"),
    path("system/", system.system, name="system"),
    path("system/mail/", system.try_mail, name="try_mail"),
    path("system/summary/", system.brief, name="system_summary"),
    # Knowledge Base
    path("kb/", kb.home, name="knowledge"),
    path("kb/sections/<row:pk>/", kb.section, name="knowledge_section"),
    path("kb/votes/", kb_votes.votes, name="votes"),
    path("kb/votes/<row:pk>/", kb_votes.decide, name="vote_decide"),
    path("kb/<row:pk>/vote/", kb_votes.vote, name="knowledge_vote"),
    path("kb/<row:pk>/", kb.material, name="knowledge_material"),
    # The answer's way, quarantine, calendar, journal
    *answer_urls.urlpatterns,
    # Employees, roles, who may what
    *staff_urls.urlpatterns,
]
