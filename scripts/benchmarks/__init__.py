"""Measurements of a running liveresize; `scripts/bench` is the door."""
