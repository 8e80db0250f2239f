"""`clary pipeline`: definitions checked before they are anybody's, executions started, watched, stopped and retried."""
