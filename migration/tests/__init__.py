"""Run with `python -m unittest` in the folder migration/, with a PostgreSQL installed."""
