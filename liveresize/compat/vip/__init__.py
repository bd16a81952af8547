"""vip: its URLs, its buckets, its uploads, and the import of pictures in its buckets."""
