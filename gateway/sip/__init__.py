"""SIP (RFC 3261): messages, digest, transactions and dialogs, as pure cores."""
