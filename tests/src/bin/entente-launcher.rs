//! The shell without its window, to be killed: signs in as a guest, plays the cloud's first game, and says on standard
//! output how far it is.
#![allow(clippy::expect_used, reason = "a test rig says what is missing and stops")]

use std::path::PathBuf;

use clap::Parser;
use entente_app::AppEvent;
use entente_app::edge::PlayerProgram;
use entente_app::view::{LibraryQuery, PlayState};
use entente_model::provider::SignInWay;

#[derive(Parser)]
struct Arguments {
    /// Where it keeps its files.
    #[arg(long)]
    root: PathBuf,
    /// The cloud.
    #[arg(long)]
    base: String,
    /// The player.
    #[arg(long)]
    player: PathBuf,
    /// More switches for the player.
    more: Vec<String>,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let player = PlayerProgram::new(arguments.player).with(arguments.more);
    let app = entente_tests::shelf::app(&arguments.root, &arguments.base, player).await;
    let mut events = app.events();
    app.restore().await;
    app.sign_in("demo", SignInWay::Guest).expect("a guest");
    let mut started = false;
    while let Ok(event) = events.recv().await {
        match event {
            AppEvent::LibraryChanged if !started => {
                let query = LibraryQuery { search: "comet relay".to_owned(), ..LibraryQuery::default() };
                let page = app.library(query).await.expect("the library");
                if let Some(card) = page.cards.first().filter(|_| !page.refreshing) {
                    app.play(&card.id).expect("a game");
                    started = true;
                }
            }
            AppEvent::Play { play: PlayState::Playing { .. } } => println!("playing"),
            AppEvent::Play { play: PlayState::Ended { .. } | PlayState::Failed { .. } } => {
                println!("ended");
                return;
            }
            _ => {}
        }
    }
}
