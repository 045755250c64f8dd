"""What a telephone exchange tells, in each of its languages, as events of one kind; nothing here asks the database."""
