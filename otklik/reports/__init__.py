"""What the house knows about itself: reads every room below and changes nothing."""
