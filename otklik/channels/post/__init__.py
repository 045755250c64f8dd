"""Post: what the scanner sees becomes letters, and letters that go by post become a list for the post office."""
