"""The edge gateway: messages in over REST and SMPP, out over redundant carrier binds."""
