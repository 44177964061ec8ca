"""Resources that an account needs besides the functions."""
