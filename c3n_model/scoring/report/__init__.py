"""Write evaluations as HTML pages with tables and pictures."""
