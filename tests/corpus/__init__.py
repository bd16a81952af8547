"""Real pictures and hostile ones through the whole server, where the corpus is at hand."""
