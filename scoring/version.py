"""The scorer's version: it changes whenever a score could."""

SCORER_VERSION = "1.0.0"
