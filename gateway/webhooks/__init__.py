"""Calling customers' servers: where to, what goes over the wire, how it is signed, when again."""
