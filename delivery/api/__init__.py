"""The API's resources about what is sent, to whom, and what came back."""
