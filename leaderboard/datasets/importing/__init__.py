"""From somebody's zips or folders to the two halves of a dataset; nothing here writes rows."""
