"""Backup and restore: one archive of every row and every file, from either database, into either database.

`tables` turns rows into lines and back, `archive` is the file itself, `make` and `restore` are the two commands.
"""
