"""Other sides of channels, each a process of its own that speaks the documented HTTP."""
