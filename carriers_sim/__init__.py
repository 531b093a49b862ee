"""Simulated carriers: SMSCs with a seeded behaviour, for tests and for people."""
