"""What an exported model may differ by; imports nothing, so that a web process may ask."""

PARITY_LIMIT = 1e-3
