"""platform_api: one person, many organizations, two kinds of token; bare bodies."""
