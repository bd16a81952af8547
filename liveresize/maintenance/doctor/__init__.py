"""What the server needs, looked at before or while it runs, and what to do about it.

Each module looks at one thing and returns findings; none raises, and nothing is left behind.
"""
