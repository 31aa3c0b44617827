"""What a ranking does to itself when the visits it causes find what it learns from: the urn and a whole city."""
