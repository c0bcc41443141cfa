"""The one error that ends a command: a sentence for the person who typed it."""


class Problem(Exception):
    """What is wrong, where, and what to do, in one sentence; the command ends with exit code 1."""
