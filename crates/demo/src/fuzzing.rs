//! A door for the fuzz targets (`fuzz/`): what clients send, read without a host. Nobody else needs it.

pub use crate::sdp::{
    Fragment, Offer, Offered, answer_fragment, read_fragment, read_offer, tidy_answer, video_choices, with_credentials,
};
pub use crate::server::query::read as read_query;
pub use crate::server::whep::place;
