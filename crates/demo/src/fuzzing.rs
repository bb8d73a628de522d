//! A door for the fuzz targets (`fuzz/`): what clients send, read without a host. Nobody else needs it.

pub use crate::account::check::{loopback_redirect, player_name, user_code, verifies};
pub use crate::sdp::{
    Fragment, Offer, Offered, answer_fragment, read_fragment, read_offer, tidy_answer, video_choices, with_credentials,
};
pub use crate::server::api::StartBody;
pub use crate::server::form::{Form, FormError};
pub use crate::server::query::read as read_query;
pub use crate::server::whep::place;
pub use crate::shelf::names::index as title_index;
pub use crate::shelf::{Cursor, Mark};
