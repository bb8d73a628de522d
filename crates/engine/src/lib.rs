//! One running stream: starts, joins, stops the parts and keeps their queues.
