"""Where customers come in: the REST API and the SMPP server."""
