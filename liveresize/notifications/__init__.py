"""Tell applications and caches of events: webhooks, at least once, each at its own pace."""
