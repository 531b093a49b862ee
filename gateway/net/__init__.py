"""The drivers between sockets and the protocol cores. They decide nothing."""
