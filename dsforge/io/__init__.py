"""Bytes to rows and back: readers, writers, the diagnosis of broken JSON, rejects."""
