"""Putting the tool onto an XNAT: its commands, and what an installation needs."""
