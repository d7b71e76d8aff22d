"""Runs codecs written in JavaScript, in processes that can be stopped. Plain Python."""
