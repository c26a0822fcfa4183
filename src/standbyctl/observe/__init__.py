"""Look: nodes to Facts and Sample. Read-only."""
