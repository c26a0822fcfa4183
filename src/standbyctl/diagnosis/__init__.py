"""What was seen to what it means; what codes mean, why it matters, and what to do about it. Pure."""
