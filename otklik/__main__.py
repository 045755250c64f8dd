"""`python -m otklik`: the same as the `otklik` command."""

from otklik.config.cli import main

main()
