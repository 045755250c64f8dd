"""The group of Odnoklassniki: messages to it and comments on its topics."""
