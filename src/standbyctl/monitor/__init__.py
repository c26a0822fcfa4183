"""Looking again and again: rounds over every server, and what is remembered of them."""
