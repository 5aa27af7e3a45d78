"""The documentation as a site: pages made of the same data as commands and notebooks."""
