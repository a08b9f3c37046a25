"""Duplicates and leakage."""
