"""Privacy and safety."""
