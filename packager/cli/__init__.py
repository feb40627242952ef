"""The command line: parse, call one library function, print."""

from packager.cli.application import app, main

__all__ = ["app", "main"]
