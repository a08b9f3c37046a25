"""Rules over bytes, rows, examples and the dataset; every finding says what, where, why and how to mend it."""
