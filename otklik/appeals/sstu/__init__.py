"""ССТУ: what was answered in a month, as files for the closed portal, and what became of each of them."""
