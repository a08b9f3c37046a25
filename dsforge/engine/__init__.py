"""Runs a staged plan of pure tasks, in this process or in several, and resumes one that was killed."""
