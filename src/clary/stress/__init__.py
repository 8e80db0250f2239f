"""A load generator for endpoints: a client of the public wire, in processes of its own.

It knows nothing of the rest of Clary but its address: what it sends is what any AWS client would send.
"""
