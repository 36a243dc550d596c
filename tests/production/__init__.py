"""What runs the site, watches it, keeps copies of it, and brings it to a new release."""
