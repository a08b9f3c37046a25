"""What training would cost: exact tokens, hosted bills, GPU memory, hours and rent."""
