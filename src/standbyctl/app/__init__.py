"""Use cases: the only place where nodes, planner and engine meet."""
