"""Which carrier bind should take a message, and why. Standard library only; no I/O."""
