"""Stands in for the application `lighthouse`: the contract of its bridge, nothing of its judgement. See ../../README.md."""
