"""Length."""
