//! The command line.

use clap::{Args, Subcommand, ValueEnum};
use entente_model::provider::SignInWay;

/// How things are said, and where secrets come from.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Output {
    /// Say everything as JSON, one object a line.
    #[arg(long, global = true)]
    pub json: bool,
    /// Keep secrets of this run in memory when the keyring does not work.
    #[arg(long, global = true)]
    pub memory: bool,
    /// Read the passphrase of the secrets from the first line of standard input.
    #[arg(long, global = true, conflicts_with = "memory")]
    pub passphrase_stdin: bool,
}

/// What to do without a window.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// List the games.
    List {
        /// Words that must be in the name.
        #[arg(default_value = "")]
        search: Vec<String>,
        /// Ask the services first.
        #[arg(long)]
        refresh: bool,
    },
    /// Play a game.
    Play {
        /// Name of the game, or the edition as `list` shows it.
        title: String,
        /// For the player, behind `--`: see `entente-player play --help`.
        #[arg(last = true)]
        player: Vec<String>,
    },
    /// Sign in to a service.
    SignIn {
        /// Name of the service as `accounts` shows it.
        service: String,
        /// How.
        #[arg(long, value_enum)]
        way: Option<Way>,
    },
    /// Sign out of a service.
    SignOut {
        /// Name of the service.
        service: String,
    },
    /// Show who is signed in where.
    Accounts,
    /// Consoles and computers of your own.
    Hosts {
        /// What to do; nothing: list them.
        #[command(subcommand)]
        what: Option<HostTask>,
    },
    /// Look at everything that playing needs, and say what to do.
    Doctor,
}

/// What to do with a host.
#[derive(Debug, Subcommand)]
pub enum HostTask {
    /// Add the one at an address.
    Add {
        /// Name or address, perhaps with a port.
        address: String,
    },
    /// Exchange keys.
    Pair {
        /// As the list names it.
        host: String,
        /// The number that the host shows, or that it is given.
        pin: String,
    },
    /// Wake it over the network.
    Wake {
        /// As the list names it.
        host: String,
    },
    /// Forget it and its keys.
    Forget {
        /// As the list names it.
        host: String,
    },
}

/// How to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// Type a code in any browser.
    DeviceCode,
    /// In this computer's browser.
    Browser,
    /// Without an account.
    Guest,
}

impl From<Way> for SignInWay {
    fn from(way: Way) -> Self {
        match way {
            Way::DeviceCode => Self::DeviceCode,
            Way::Browser => Self::Browser,
            Way::Guest => Self::Guest,
        }
    }
}
