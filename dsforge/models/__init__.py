"""Models without their weights: built from a config.json to be counted, and traced to see what memory a step takes."""
