"""Uploads in pieces: our own server for tus 1.0 (https://tus.io/protocols/resumable-upload)."""
