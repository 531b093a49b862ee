"""Session descriptions, RTP and the relay of calls, which knows nothing of their signalling."""
