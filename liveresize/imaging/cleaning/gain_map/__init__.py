"""Gain maps of JPEGs: found, checked, and written again.

A gain map is a second, smaller JPEG behind the first one. It says for each place how much
brighter an HDR display shows it. What it is multiplied with stands in metadata of three kinds:
ISO 21496-1, `hdrgm` of Adobe (Ultra HDR), and that of Apple. The index of a multi-picture file
(MPF) says where it is.
"""
