"""What can be seen of a running site: health, figures, logs, traces."""
