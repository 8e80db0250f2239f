"""The real-time data plane. `base` is the port that the control plane uses."""
