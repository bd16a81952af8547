"""The studio: a page to upload pictures, try every option, and copy the URL."""
