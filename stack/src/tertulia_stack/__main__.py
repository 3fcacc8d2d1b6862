"""`python -m tertulia_stack` is `tertulia`."""

from tertulia_stack.cli import main

main()
