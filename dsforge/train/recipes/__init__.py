"""One file per training method; each defines RECIPE."""
