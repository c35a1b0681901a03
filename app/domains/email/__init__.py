"""Every mail the product sends: one named function and one pair of templates each."""
