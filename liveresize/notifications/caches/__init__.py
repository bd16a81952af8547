"""Tell the caches in front of the server of pictures that have changed."""
