"""Traces: the context that W3C Trace Context passes along, and spans of what requests take.

`context` parses and formats the headers, `incoming` decides what becomes of those of a request,
`spans` knows the span that is current and measures below it, and `otlp` exports spans. Without
`tracing.enabled`, nothing is measured: a trace that a client began is only logged and passed on.
"""
