"""Queues: made of a filter or a sample, taken from by several people, decided on, and what they show."""
