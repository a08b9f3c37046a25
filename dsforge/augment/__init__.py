"""A larger model writes rows; every answer is kept, paid for once, and traced."""
