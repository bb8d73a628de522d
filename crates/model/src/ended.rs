//! Why a session ended, in words and as an exit status (`docs/exit-codes.md`).

/// The one reason a session ended with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndReason {
    /// The user closed the window or asked to stop.
    #[error("You stopped the game.")]
    User,
    /// The time given on the command line is over.
    #[error("The asked time is over.")]
    TimeUp,
    /// Ctrl-C or a termination signal.
    #[error("Interrupted.")]
    Interrupted,
    /// The program that started the player went away.
    #[error("The launcher went away, so the player stopped too.")]
    ShellGone,
    /// The address cannot be played.
    #[error("The address cannot be played: {0}. Check it, for example whep+http://host:port/whep/game.")]
    BadUrl(String),
    /// The ticket cannot be used.
    #[error("The ticket cannot be used: {0}. Start the game again from the library.")]
    BadTicket(String),
    /// Nobody answers there.
    #[error("The host cannot be reached: {0}. Is it running, and is the address right?")]
    Unreachable(String),
    /// The host wants (other) credentials: 401 or 403.
    #[error("The host refused access. Sign in again or check the token.")]
    Unauthorized,
    /// The host does not know this game: 404 or 410.
    #[error("The host does not know this game or session: {reason}{end}", reason = .0, end = stop(.0))]
    NotFound(String),
    /// The host cannot take us now: 429, 503, or full.
    #[error("The host has no room right now: {0}. Try again in a while.")]
    Busy(String),
    /// The host answered something that is not the protocol.
    #[error("The host answered something that is not understood: {0}. It may not be a game host.")]
    BadAnswer(String),
    /// No path to the host was found.
    #[error("No path to the host was found: {0}. A firewall may block UDP.")]
    NoPath(String),
    /// A path was found, but no keys were agreed on.
    #[error(
        "The connection to the host could not be secured: {reason}{end} The host may be set up wrongly, or somebody is in between.",
        reason = .0, end = stop(.0)
    )]
    NotSecured(String),
    /// Connected, but no picture came.
    #[error("The host sent no picture: {reason}{end}", reason = .0, end = stop(.0))]
    NoMedia(String),
    /// No codec in common.
    #[error("The host offers no video codec that this machine can play: {reason}{end}", reason = .0, end = stop(.0))]
    NoCodec(String),
    /// The host ended the session.
    #[error("The host ended the game: {reason}{end}", reason = .0, end = stop(.0))]
    HostEnded(String),
    /// The connection broke and could not be brought back.
    #[error("The connection to the host was lost: {reason}{end}", reason = .0, end = stop(.0))]
    ConnectionLost(String),
    /// Pictures cannot be decoded or shown on this machine.
    #[error("This machine cannot play the stream: {reason}{end}", reason = .0, end = stop(.0))]
    CannotPlay(String),
    /// No display for a window.
    #[error("There is no display for a window: {0}. Try --headless --seconds 10 --report r.json.")]
    NoDisplay(String),
    /// A file that was asked for cannot be written.
    #[error("A file that was asked for cannot be written: {0}. Choose another place, or make room.")]
    CannotWrite(String),
    /// A fault of our own.
    #[error("The player failed: {0}. Please report this.")]
    Fault(String),
}

/// What closes a sentence that ends with `why`, which may be a whole sentence of another reason.
fn stop(why: &str) -> &'static str {
    if why.ends_with(['.', '?', '!']) { "" } else { "." }
}

impl EndReason {
    /// Exit status of the player for this reason; 0 is a normal end.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::User | Self::TimeUp | Self::ShellGone => 0,
            // 2 is left to wrong arguments, 101 to panics of the main thread; see docs/exit-codes.md.
            Self::BadUrl(_) => 3,
            Self::BadTicket(_) => 4,
            Self::Unreachable(_) => 5,
            Self::Unauthorized => 6,
            Self::NotFound(_) => 7,
            Self::Busy(_) => 8,
            Self::BadAnswer(_) => 9,
            Self::NoPath(_) => 10,
            Self::NoMedia(_) => 11,
            Self::NoCodec(_) => 12,
            Self::HostEnded(_) => 13,
            Self::ConnectionLost(_) => 14,
            Self::CannotPlay(_) => 15,
            Self::NoDisplay(_) => 16,
            Self::Fault(_) => 17,
            Self::NotSecured(_) => 18,
            Self::CannotWrite(_) => 19,
            Self::Interrupted => 130,
        }
    }

    /// Short stable name, used in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::User => "user",
            Self::TimeUp => "time_up",
            Self::Interrupted => "interrupted",
            Self::ShellGone => "shell_gone",
            Self::BadUrl(_) => "bad_url",
            Self::BadTicket(_) => "bad_ticket",
            Self::Unreachable(_) => "unreachable",
            Self::Unauthorized => "unauthorized",
            Self::NotFound(_) => "not_found",
            Self::Busy(_) => "busy",
            Self::BadAnswer(_) => "bad_answer",
            Self::NoPath(_) => "no_path",
            Self::NotSecured(_) => "not_secured",
            Self::NoMedia(_) => "no_media",
            Self::NoCodec(_) => "no_codec",
            Self::HostEnded(_) => "host_ended",
            Self::ConnectionLost(_) => "connection_lost",
            Self::CannotPlay(_) => "cannot_play",
            Self::NoDisplay(_) => "no_display",
            Self::CannotWrite(_) => "cannot_write",
            Self::Fault(_) => "fault",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EndReason;

    #[test]
    fn a_reason_within_a_reason_closes_once() {
        let inner = EndReason::Unreachable(String::from("refused"));
        let outer = EndReason::ConnectionLost(format!("joining again failed: {inner}")).to_string();
        assert!(outer.ends_with("is the address right?"), "{outer}");
        let plain = EndReason::ConnectionLost(String::from("no packet for 30 s")).to_string();
        assert_eq!(plain, "The connection to the host was lost: no packet for 30 s.");
        let unsecured = EndReason::NotSecured(String::from("alert 1")).to_string();
        assert!(unsecured.starts_with("The connection to the host could not be secured: alert 1. The host"));
    }
}
