"""Metrics, in the words of Prometheus: what is counted where it happens, and how it is told.

`requests`, `renders` and `stores` count events, each in one registry of this process.
What is a state already, such as the length of a queue, is no metric of its own: whoever
knows it is asked when `exposition` is.
"""
