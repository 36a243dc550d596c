"""What a personal link may do, without HTTP: pages, mail and API call it."""
