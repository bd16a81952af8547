"""The soak: servers that are killed again and again while they are used."""
