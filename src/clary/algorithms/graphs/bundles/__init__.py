"""A whole bundle of Spark ML as one ONNX graph: its columns in by name, and the columns that it makes out by theirs.

Nothing fuses here, and nothing is refused: it is the graph that a bundle carries for whoever takes it elsewhere. What
the server would refuse, the graph answers with NaN, or with an empty text."""
