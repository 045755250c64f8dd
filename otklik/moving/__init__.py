"""Moving in and out: journals of other systems become rows here, and everything here becomes open files."""
