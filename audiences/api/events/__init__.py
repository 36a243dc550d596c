"""The API's resources about what happens: changes, endpoints, jobs, imports."""
