"""The studio: a page to put pictures in, turn every knob, and take the address away."""
