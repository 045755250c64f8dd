"""Addresses of employees and their accounts, and of who may what."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import leaving, rights, staff, staff_import

urlpatterns: list[URLPattern] = [
    path("staff/", staff.staff_list, name="staff"),
    path("staff/new/", staff.new, name="staff_new"),
    path("staff/passwords/", staff.passwords, name="staff_passwords"),
    path("staff/import/", staff_import.import_staff, name="staff_import"),
    path("staff/import/sample.xlsx", staff_import.sample, name="staff_sample"),
    path("staff/<row:pk>/", staff.card, name="employee"),
    path("staff/<row:pk>/edit/", staff.edit, name="employee_edit"),
    path("staff/<row:pk>/move/", staff.move, name="employee_move"),
    path("staff/<row:pk>/roles/", staff.give_role, name="employee_role"),
    path("staff/<row:pk>/password/", staff.password, name="employee_password"),
    path("staff/<row:pk>/hand-over/", leaving.hand_over, name="employee_handover"),
    path("staff/<row:pk>/block/", leaving.block, name="employee_block"),
    path("staff/<row:pk>/unblock/", staff.unblock, name="employee_unblock"),
    path("role-assignments/<row:pk>/end/", staff.end_role, name="role_end"),
    path("transfers/<row:pk>/cancel/", staff.cancel_move, name="transfer_cancel"),
    path("rights/", rights.rights, name="rights"),
]
