"""The rules, one to a file: a folder per family, a name that says what is wrong."""
