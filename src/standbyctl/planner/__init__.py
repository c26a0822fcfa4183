"""Facts and a target to a plan: steps or blockers, never both. One module per verb; pure."""
