"""The ways of making a copy. Each contributes steps, so preview, undo, journal and crash tests come along."""
