"""The window of SeDiR Inspect."""
