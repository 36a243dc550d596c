"""What templates of both apps may use."""
