"""Addresses for citizens."""

from django.urls import path

from otklik.portal import (
    account,
    asking,
    embed,
    feedback,
    filing,
    home,
    knowledge,
    prompting,
    reception_hours,
    signin,
    status,
    visits,
    vote,
    write,
)

app_name = "portal"

urlpatterns = [
    path("", home.home, name="home"),
    path("kb/", knowledge.home, name="knowledge"),
    path("kb/sitemap.xml", knowledge.sitemap, name="sitemap"),
    path("kb/<str:section>/", knowledge.section, name="knowledge_section"),
    path("kb/<str:section>/<str:slug>/", knowledge.material, name="knowledge_material"),
    path("how-to-file/", filing.how_to_file, name="how_to_file"),
    path("reception/", reception_hours.hours, name="reception"),
    path("reception/calendar/<str:token>/", reception_hours.feed, name="reception_feed"),
    path("write/", write.write, name="write"),
    path("write/answers/", prompting.answers, name="write_answers"),
    path("write/answers/opened/", prompting.opened, name="write_opened"),
    path("write/done/", write.done, name="write_done"),
    path("embed/write/", embed.write, name="embed_write"),
    path("account/", account.account, name="account"),
    path("account/sign-in/", signin.enter, name="account_enter"),
    path("account/signed-in/", signin.returned, name="account_returned"),
    path("account/sign-out/", signin.leave, name="account_leave"),
    path("account/letters/<int:pk>/", account.letter, name="account_letter"),
    path("account/letters/<int:pk>/more/", account.more, name="account_more"),
    path("account/letters/<int:pk>/files/<int:file_id>/", account.file, name="account_file"),
    path("status/", status.status, name="status"),
    path("status/view/", status.view, name="status_view"),
    path("status/file/<int:file_id>/", status.letter, name="status_file"),
    path("reception/ask/", visits.ask, name="visit_ask"),
    path("reception/asked/", visits.asked, name="visit_asked"),
    path("reception/<str:token>/", visits.own, name="visit_own"),
    path("vote/<int:pk>/", vote.vote, name="vote"),
    path("o/<str:code>/", asking.ask, name="ask"),
    path("o/<str:code>/qr.svg", asking.qr, name="ask_qr"),
    path("o/<str:code>/<str:token>/", asking.thanks, name="ask_thanks"),
    path("o/<str:code>/<str:token>/contact/", asking.contact, name="ask_contact"),
    path("о/<str:code>/", asking.mistyped, name="ask_mistyped"),
    path("feedback/<str:token>/", feedback.questionnaire, name="feedback"),
    path("feedback/<str:token>/contact/", feedback.allow_contact, name="feedback_contact"),
]
