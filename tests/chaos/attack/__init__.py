"""Hostile requests: the programs that a pod runs beside a release (standard library alone), and what is right to come of them."""
