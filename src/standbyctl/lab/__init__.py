"""Throw-away PostgreSQL on this machine: for the demo, and for the tests of this project."""
