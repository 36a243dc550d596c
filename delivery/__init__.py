"""What is sent, to whom, and what came back."""
