"""How alike two texts are: keys, shingles, MinHash signatures, bands, verified clusters."""
