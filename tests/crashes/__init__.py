"""Servers that die at the worst moment, disks that fill, and two instances at odds."""
