"""People whom an operator chose by search and filters, and changes of all of them."""
