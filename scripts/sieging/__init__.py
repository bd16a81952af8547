"""Attacks of `scripts/siege`, one module each: `run` makes the attack and returns its figures."""
