"""What pages share. A subfolder, because Streamlit takes every pages/*.py for a page."""
