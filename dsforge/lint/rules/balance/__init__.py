"""Balance and distribution."""
