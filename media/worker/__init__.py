"""Media in a process of its own, which the signalling speaks to over a socket."""
