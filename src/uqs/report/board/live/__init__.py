"""What the board's application reads, and the built application itself."""
