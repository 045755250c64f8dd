"""A bot of Telegram: off until an administrator connects it, and by default no personal data goes out by it."""
