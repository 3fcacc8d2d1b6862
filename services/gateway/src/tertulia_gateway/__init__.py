"""The front door: authentication, limits and routing to the services."""
