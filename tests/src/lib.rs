//! Shared helpers of the journey tests.
