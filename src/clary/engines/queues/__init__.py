"""Message queues on this machine."""
