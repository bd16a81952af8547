"""Compare the answers of two servers to requests of an access log.

The old server may be any image service, or a report of an earlier comparison.
"""
