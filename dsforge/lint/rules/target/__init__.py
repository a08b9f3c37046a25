"""Target platform."""
