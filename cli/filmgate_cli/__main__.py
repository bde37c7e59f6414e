"""`python -m filmgate_cli` is `filmgate`."""

from filmgate_cli.app import main

main()
