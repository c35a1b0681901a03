"""What the product is about: one package a subject, each with models, queries and operations."""
