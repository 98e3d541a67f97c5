"""What stands behind `./dev`: standard library only, so that a clean clone can run it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Problem(Exception):
    """Something a person has to put right; the message says what and how."""
