"""The API's resources about services, subscriptions and audiences."""
