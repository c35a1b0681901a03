"""Where an organization's files lie: on the instance's disk, or in a bucket of its own."""
