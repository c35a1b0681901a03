"""v0: people with a handle, their ways in and their public page; bare bodies, UUIDs, a session cookie."""
