"""Programs that run in the environment of the peers, where numpy and matplotlib are."""
