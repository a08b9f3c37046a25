"""How findings are written: one reporter to a file, found by a walk."""
