"""A stand-in XNAT over HTTP on loopback, phantoms and the demonstration. Imported by tests and, lazily, by the CLI."""
