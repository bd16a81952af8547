"""Import from the published service Live Image Resize, also called iaas.

It has a flat folder of originals and a database with two tables; `moving.MoveIn` imports them into
our index, and can be stopped and run again at any time.
"""
