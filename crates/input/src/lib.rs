//! Reads controllers, keyboard, pointer; maps them; plays feedback.
