"""Plots and pages that several commands show."""
