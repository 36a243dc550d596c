"""People that an operator selected by search and filters, and changes to them."""
