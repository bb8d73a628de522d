//! Drawing straight into YUV420P planes.
