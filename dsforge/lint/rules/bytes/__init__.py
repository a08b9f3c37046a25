"""Bytes and JSON."""
