"""Floor 1. Durable resources, the loop that makes them true, and the bus that tells of it. Knows no AWS protocol."""
