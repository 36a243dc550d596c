"""Which resources of the API are about deliveries."""
