"""`python -m dsforge`."""

from dsforge.cli.main import main

main()
