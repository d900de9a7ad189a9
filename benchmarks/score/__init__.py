"""A score in the manner of MIDI-B: a corpus with an answer key, the program run over it, and a judge of its own."""
