"""PostgreSQL as Django knows it, with the number of parameters that a prepared statement bears."""
