"""What each kind of stage does to the rows that pass it, as the compiler must know it: one file an image."""
