"""How long a model takes: measured on this machine or a phone, kept in one format, compared."""
