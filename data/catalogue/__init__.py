"""The catalogue (信息资源目录): class, grade, purpose, legal basis and retention of everything the store holds.

The TOML files of this folder are the content; the modules read, check and apply them. Legal texts change, so they are
versions with validity dates, never literals in code, and every one of them is to be confirmed by counsel.
"""
