"""Floor 3. One folder an AWS service, one file a resource family. Services never import each other."""
