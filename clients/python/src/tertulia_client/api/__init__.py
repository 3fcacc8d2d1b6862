"""The endpoints, one class for each room of the API."""
