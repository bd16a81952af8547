"""What a person does in a real browser: Debian's Chromium, driven by Playwright."""
