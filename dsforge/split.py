"""Train and validation files that share no near-duplicates."""
