"""Which places carry most risk in the coming period, why, how sure that is, and how a plain count would rank them."""
