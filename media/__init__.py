"""Session descriptions, RTP and the relay of calls. Standard library only; I/O in `relay` alone."""
