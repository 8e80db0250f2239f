"""AWS's recordio-protobuf: rows of numbers as protobuf messages, framed as RecordIO. Files, pipes and bodies."""
