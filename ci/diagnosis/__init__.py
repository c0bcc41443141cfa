"""What is wrong with a release: what the cluster has of it (gather), what that says (evidence), what it comes from (guess)."""
