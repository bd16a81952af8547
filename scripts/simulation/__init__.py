"""A day of several instances, simulated: traffic, the ring of nginx, and what memory holds."""
