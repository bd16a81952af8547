"""Moving in from the published service Live Image Resize, also called iaas.

What it has is a flat folder of originals and a database of two tables; `iaas.MoveIn`
turns them into rows of our index, and can be stopped and run again at any time.
"""
