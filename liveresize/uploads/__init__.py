"""Take uploads: the pipeline from body to committed row, tokens, receipts, cleanup, webhook."""
