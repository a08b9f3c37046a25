"""What `train` asks of lint, split and cost before it starts."""
