"""One file to a method; its name is found by a walk over this folder."""
