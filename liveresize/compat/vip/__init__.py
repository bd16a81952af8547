"""vip: its URLs, its buckets, its uploads, its import of what lies in a bucket."""
