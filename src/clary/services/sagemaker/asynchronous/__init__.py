"""Asynchronous inference: requests that wait in a durable backlog, and whose results go to S3.

machine    the life of one invocation
checks     what a configuration can be
accepting  the operation InvokeEndpointAsync
pump       from the backlog to the models
carrying   one request on its way
reconcile  its object, its notification, its end
notices    what SNS is told
measures   what CloudWatch is told
backlog    all of it, put together
"""
