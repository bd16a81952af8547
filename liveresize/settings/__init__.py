"""The sections of the configuration: every key with its type, default, limits and sentence.

A part takes the sections it reads, as they are; `liveresize.config` fills them.
"""
