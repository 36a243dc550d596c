"""Reading and writing the files that people make: delimited text, cells, rejects."""
