"""The networks. They import nothing of ours but their own files."""
