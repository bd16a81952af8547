"""Checks of everything the server depends on, with suggested fixes.

Each module checks one subject and returns findings. None raises, and nothing is left behind.
"""
