"""Rows to examples and back: one file per format."""
