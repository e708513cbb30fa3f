"""The endpoints, one file a resource, as the server has its controllers."""
