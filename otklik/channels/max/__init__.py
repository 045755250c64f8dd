"""A bot of MAX, beyond the order: after its public documentation, off until an administrator connects it."""
