"""What Mallory does, story by story; `casnb.simulator.mallory` is the table of them."""
