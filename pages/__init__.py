"""Pages: one file, one question of a reader. No arithmetic, no file access, no literal text."""
