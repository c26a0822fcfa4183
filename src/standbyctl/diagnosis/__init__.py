"""What codes mean, why it matters, and what to do about it. Pure: words only."""
