"""What is printed, signed and filed: the runbook of a plan, and the evidence of a run."""
