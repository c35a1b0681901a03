"""The life of an organization: who owns it, how people come to it, how it ends."""
