"""The commands `casnb` and `scone`: options in, words and exit codes out; they decide nothing."""
