"""What others would build: senders of the same scene for the benchmark beside peers."""
