"""Profiles of hosted platforms and trainers; the facts live in conf/."""
