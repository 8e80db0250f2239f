"""The client of a batch transform: it splits objects into requests, sends them to the model's servers and writes what
they answer, one file an object."""
