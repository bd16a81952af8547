"""Every store against the contract of its port, one file a noun."""
