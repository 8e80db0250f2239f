"""Named pipes into runs, and the program that feeds them."""
