"""Reads repositories of published codecs and runs the examples they carry. Plain Python."""
