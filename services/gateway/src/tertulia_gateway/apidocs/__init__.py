"""The public API's description: one OpenAPI document out of the services' own, and a page that shows it."""
