"""Addresses of the workplace, one block per kind of work."""

from django.urls import URLPattern, URLResolver, path

from otklik.workplace import menu, today

app_name = "workplace"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", today.today, name="today"),
    path("menu/", menu.menu, name="menu"),
    path("search/", today.today, name="search"),
]
