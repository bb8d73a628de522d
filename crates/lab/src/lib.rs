//! A world for tests: virtual network, fake hosts. Dev only.
