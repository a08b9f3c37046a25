"""Tokenizers, chat templates and exact counts."""
