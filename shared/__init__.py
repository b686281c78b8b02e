"""Technique and contracts shared by the services: never business logic of one of them."""
