"""Tables of a results table for a paper: as LaTeX and Markdown for readers, as CSV with exact numbers."""
