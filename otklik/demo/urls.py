"""Addresses of the demo stand; anywhere else they are not found."""

from django.urls import path

from otklik.demo import mail

app_name = "demo"

urlpatterns = [
    path("mail/", mail.mailbox, name="mailbox"),
    path("mail/<int:pk>/", mail.letter, name="letter"),
    path("mail/<int:pk>/letter.eml", mail.download, name="eml"),
    path("mail/<int:pk>/file/<int:number>/", mail.download, name="file"),
]
