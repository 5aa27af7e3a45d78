"""The world map: your checks as a wall with gates, who comes through, and what she then has."""
