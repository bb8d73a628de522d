//! The command line.

use std::path::PathBuf;

use clap::Parser;
use entente_cli::{Output, Task};

/// Plays games streamed from any game cloud or host. Without a command: the library.
#[derive(Debug, Parser)]
#[command(name = "entente", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    /// What to open, for example entente://card/demo/game.
    #[arg(value_name = "LINK")]
    pub(crate) link: Option<String>,
    /// Addresses of services, for those who run their own: a JSON object such as {"demo": "http://127.0.0.1:4711"}.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) services: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(subcommand)]
    pub(crate) task: Option<Task>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_link_opens_the_window_and_a_word_is_a_command() {
        let read = |line: &str| Arguments::try_parse_from(line.split(' '));
        assert_eq!(read("entente entente://library").unwrap().link.as_deref(), Some("entente://library"));
        assert!(read("entente").unwrap().task.is_none());
        let play = read("entente play demo/game --json -- --headless --seconds 4").unwrap();
        assert!(play.output.json);
        assert!(matches!(play.task, Some(Task::Play { player, .. }) if player == ["--headless", "--seconds", "4"]));
        assert!(matches!(read("entente list comet relay").unwrap().task, Some(Task::List { .. })));
        assert!(read("entente list --memory --passphrase-stdin").is_err());
    }
}
