"""Addresses of the workplace, one block per kind of work."""

from django.urls import URLPattern, URLResolver, path

from otklik.workplace import kb, menu, today

app_name = "workplace"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", today.today, name="today"),
    path("menu/", menu.menu, name="menu"),
    path("kb/", kb.home, name="knowledge"),
    path("kb/sections/<int:pk>/", kb.section, name="knowledge_section"),
    path("kb/<int:pk>/", kb.material, name="knowledge_material"),
    path("search/", today.today, name="search"),
]
