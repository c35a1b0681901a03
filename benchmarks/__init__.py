"""What the product costs, each figure beside a floor that was taken in the same run."""
