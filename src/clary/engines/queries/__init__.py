"""SQL over files, in processes of their own: what DuckDB and sqlglot take, the server does not pay."""
