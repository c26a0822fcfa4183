"""Give a running PostgreSQL a standby. No restart."""

__version__ = "0.1.0"
