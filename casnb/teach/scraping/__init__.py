"""The scrape lab: a reader's scraper scored over the history of the public page."""
