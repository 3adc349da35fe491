"""Moves Lighthouse's event store from SQLite or its log files to PostgreSQL, and back."""
