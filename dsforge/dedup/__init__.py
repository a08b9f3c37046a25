"""Exact and near duplicates removed, every removal verified and explained."""
