"""The endpoints, one file a resource. As in the server's controllers `index` lists and `destroy` deletes.

Each looks up the workspace first, then its row, then checks the role; that order is the server's, and clients see it.
Login and logout are in `syncer.sandbox.login`.
"""
