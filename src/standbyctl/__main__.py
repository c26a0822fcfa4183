"""`python -m standbyctl` is the command line."""

from standbyctl.ui.cli import main

main()
