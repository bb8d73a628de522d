//! The open WHEP host as a full [`Link`](entente_model::Link) (`docs/open-host-protocol.md`).
//!
//! The same link plays plain WHEP senders (GStreamer, MediaMTX, browsers): without the two data channels there is no
//! input, no clock offset and no goodbye, and everything else works.

mod input;
mod link;
mod outage;
mod phase;
pub(crate) mod signal;
mod timeline;

use entente_model::Secret;
use entente_model::media::VideoCodec;
use entente_model::ticket::{IceServer, StreamRequest};
use entente_model::time::MonoClock;

pub use link::WhepLink;
pub use signal::parse_link_header;

/// What a [`WhepLink`] needs.
#[derive(Clone, Debug)]
pub struct WhepConfig {
    /// `whep+http://`, `whep+https://`, or the same without `whep+`.
    pub url: String,
    /// Sent as a bearer token to the origin of `url` only.
    pub bearer: Option<Secret>,
    /// Extra ICE servers. Only host candidates are gathered today, see the crate documentation.
    pub ice_servers: Vec<IceServer>,
    /// Wishes, sent as query parameters of the offer's address.
    pub want: StreamRequest,
    /// What this machine decodes, best first.
    pub codecs: Vec<VideoCodec>,
    /// The clock of stamps in input packets and pings.
    pub clock: MonoClock,
    /// Name and version, told to the host.
    pub client: String,
    /// Makes the numbers that RTCP needs; two links of one process need different ones.
    pub seed: u64,
}
