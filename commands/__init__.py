"""What ``beatwise`` can be told to do, by what it is about. Thin: each command is one call into a room."""
