"""The admin doors."""
