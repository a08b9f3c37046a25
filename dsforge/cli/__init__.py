"""The command line: parse, call, print. All work is done below."""
