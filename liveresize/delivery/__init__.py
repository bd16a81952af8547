"""Answer requests for pictures: look up the original, find or render the rendition, publish it."""
