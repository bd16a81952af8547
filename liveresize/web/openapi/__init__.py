"""The HTTP contract as OpenAPI 3.1: what stands in the last column of the route table.

An operation is a value, made of parts that come from the code which does the work: formats,
fits and limits from `domain`, statuses and codes of errors from `errors` and `web.failures`.
"""
