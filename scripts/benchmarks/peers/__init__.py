"""Others that resize pictures, and what puts them on the same work as ours."""
