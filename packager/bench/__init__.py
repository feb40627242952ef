"""Latency: measured on this machine or a phone, stored in one format, compared."""
