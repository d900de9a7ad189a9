"""Anonymised copies of imaging sessions, from a staging XNAT project into a clean one."""

__version__ = "0.1.0"
