"""Other tools that rows are reviewed in, one file each, with a TOOL that is found by a walk over this folder."""
