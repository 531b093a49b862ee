"""SMPP 3.4 and the parts of 5.0 that peers use: PDUs, their octets, and the session. No I/O."""
