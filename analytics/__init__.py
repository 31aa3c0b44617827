"""What the numbers mean: pure functions from tables to advice. No Streamlit, no clock, no global random state."""
