"""What keeps an installation in order: deleting, comparing, verifying, warming, the doctor."""
