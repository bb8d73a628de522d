//! Sound made from nothing: voices and a step sequencer.
