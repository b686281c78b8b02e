"""The demonstration: an invented clinic, or a log of one's own, sent through the gateway as any clinic would send it.

It imports nothing of the services: what it can do, everybody can do with HTTP and a token.
"""
