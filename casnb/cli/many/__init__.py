"""Thousands of files: judges in processes of their own, batches, a Dask cluster, a manifest."""
