"""packager: from a folder of photos to an image classifier inside an Android app."""

__version__ = "0.1.0"
