"""Traps of single trainers. A profile names those that are its own (`traps`); no other target runs them."""
