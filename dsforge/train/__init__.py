"""Hydra-configured TRL runs that start only when data and template fit."""
