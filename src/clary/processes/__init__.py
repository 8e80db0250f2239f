"""The processes of one `clary up`: the supervisor, the control process and the fronts of the data plane."""
