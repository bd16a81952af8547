"""Tests of the service, on doubles of the world below it."""
