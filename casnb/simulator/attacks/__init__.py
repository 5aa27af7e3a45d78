"""What Mallory does, story by story; `casnb.mallory.attacks` is the table of them."""
