"""Text quality."""
