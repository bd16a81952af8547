"""Tests of the pure core: no loop, no disk, no Pillow."""
