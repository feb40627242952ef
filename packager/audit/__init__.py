"""Finds problems in a set of photos: `run` is the order, with a file per kind of finding."""
