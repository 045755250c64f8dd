"""Rows the reports keep, by what they are for."""
