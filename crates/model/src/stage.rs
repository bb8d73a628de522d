//! Named stages of starting and keeping a stream, which the user sees.

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Looking for addresses of our own.
    Gathering,
    /// Asking the host for a session.
    Negotiating,
    /// Waiting in the host's queue.
    Queued {
        /// Position, 1 is next.
        position: u32,
    },
    /// Finding a path (ICE).
    Connecting,
    /// Agreeing on keys (DTLS).
    Securing,
    /// Connected, no picture yet.
    WaitingForPicture,
    /// Pictures arrive.
    Playing,
    /// Media stopped; the session is being kept or brought back.
    Reconnecting,
}

impl Stage {
    /// Short stable name, for launchers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gathering => "gathering",
            Self::Negotiating => "negotiating",
            Self::Queued { .. } => "queued",
            Self::Connecting => "connecting",
            Self::Securing => "securing",
            Self::WaitingForPicture => "waiting_for_picture",
            Self::Playing => "playing",
            Self::Reconnecting => "reconnecting",
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gathering => f.write_str("looking at the network"),
            Self::Negotiating => f.write_str("asking the host"),
            Self::Queued { position } => write!(f, "waiting in the queue, place {position}"),
            Self::Connecting => f.write_str("finding a path to the host"),
            Self::Securing => f.write_str("securing the connection"),
            Self::WaitingForPicture => f.write_str("waiting for the first picture"),
            Self::Playing => f.write_str("playing"),
            Self::Reconnecting => f.write_str("connection lost, reconnecting"),
        }
    }
}
