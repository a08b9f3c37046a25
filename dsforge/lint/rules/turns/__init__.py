"""Turns and tools."""
