//! From the shelf to the picture: the app, the demo cloud and the real player, without a window.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and wait")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::process::{Command, Stdio};
use std::time::Duration;

use entente_app::edge::PlayerProgram;
use entente_app::play::switches;
use entente_app::view::{AfterPlay, LibraryQuery, PlayState};
use entente_app::{App, AppEvent};
use entente_demo::{AccountsConfig, DemoCloud, DemoConfig};
use entente_model::provider::SignInWay;
use entente_store::Settings;
use entente_store::settings::{Context, Kind, Layer, REGISTRY, Value};
use entente_tests::program::{Running, binary};
use entente_tests::shelf::app;

/// Plays the cloud's first game to its end; the stages that were seen, and the report or the failure.
async fn play(app: &App) -> (Vec<String>, Result<AfterPlay, String>) {
    let mut events = app.events();
    app.sign_in("demo", SignInWay::Guest).unwrap();
    let query = || LibraryQuery { search: "comet relay".to_owned(), ..LibraryQuery::default() };
    let mut stages = Vec::new();
    let mut started = false;
    let all = async {
        loop {
            match events.recv().await.unwrap() {
                AppEvent::LibraryChanged if !started => {
                    let page = app.library(query()).await.unwrap();
                    if let Some(card) = page.cards.first().filter(|_| !page.refreshing) {
                        app.play(&card.id).unwrap();
                        started = true;
                    }
                }
                AppEvent::Play { play: PlayState::Starting { stage, .. } } => stages.push(stage),
                AppEvent::Play { play: PlayState::Playing { .. } } => stages.push("picture".to_owned()),
                AppEvent::Play { play: PlayState::Ended { report } } => return Ok(report),
                AppEvent::Play { play: PlayState::Failed { problem, .. } } => return Err(problem.to_string()),
                _ => {}
            }
        }
    };
    let result = tokio::time::timeout(Duration::from_secs(40), all).await.expect("the game ends in time");
    (stages, result)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_player_plays_a_session_and_the_report_says_how_it_was() {
    let accounts = AccountsConfig { require_sign_in: true, ..AccountsConfig::default() };
    let cloud = DemoCloud::start(DemoConfig { accounts, ..DemoConfig::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let switches = ["--headless", "--seconds=4"].map(str::to_owned);
    let player = PlayerProgram::new(binary("entente-player")).with(switches);
    let app = app(folder.path(), &cloud.url(), player).await;
    app.set_setting("video.size", Layer::User, None, Value::Text("1280x720".to_owned())).await.unwrap();
    app.set_setting("video.fps", Layer::User, None, Value::Text("30".to_owned())).await.unwrap();
    let version = entente_app::play::PlayerPort::about(&PlayerProgram::new(binary("entente-player"))).await.unwrap();
    assert!(version.starts_with("entente-player "), "{version}");

    let (stages, report) = play(&app).await;
    let report = report.unwrap();
    assert_eq!(stages.first().map(String::as_str), Some("asking"));
    assert_eq!(stages.last().map(String::as_str), Some("picture"), "{stages:?}");
    assert!(stages.iter().any(|stage| stage == "connecting"), "{stages:?}");
    assert_eq!(report.ended, "The asked time is over.");
    assert!(report.score.is_some() && report.figures.iter().any(|figure| figure.name == "picture"), "{report:?}");
    let file: serde_json::Value =
        serde_json::from_slice(&std::fs::read(report.file.as_ref().unwrap()).unwrap()).unwrap();
    assert_eq!((file["video"]["width"].as_u64(), file["video"]["height"].as_u64()), (Some(1280), Some(720)));
    assert!(report.seconds >= 2, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_that_is_not_there_is_a_sentence() {
    let cloud = DemoCloud::start(DemoConfig::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let app = app(folder.path(), &cloud.url(), PlayerProgram::new("/nonexistent/entente-player".into())).await;
    let (_, report) = play(&app).await;
    let why = report.unwrap_err();
    assert!(why.starts_with("The player could not be started.") && why.contains("Install Entente again"), "{why}");
}

/// The registry cannot use the player's crate, so its command line is asked: 2 is "wrong arguments", 4 is "no ticket".
#[test]
fn every_value_of_every_setting_is_a_switch_that_the_player_takes() {
    let certificate = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(certificate.path(), "-----BEGIN CERTIFICATE-----\n").unwrap();
    for setting in REGISTRY {
        let values: Vec<Value> = match setting.kind {
            Kind::Choice(options) => options.iter().map(|option| Value::Text((*option).to_owned())).collect(),
            Kind::Toggle => vec![Value::Toggle(true), Value::Toggle(false)],
            Kind::Text { .. } if setting.key.ends_with("certificate") => {
                vec![Value::Text(certificate.path().display().to_string())]
            }
            Kind::Text { .. } => vec![Value::Text("none".to_owned())],
            Kind::Number { min, max, .. } => vec![Value::Number(min), Value::Number(max)],
        };
        for value in values {
            let folder = tempfile::tempdir().unwrap();
            let settings = Settings::open(folder.path().join("settings.json"));
            settings.set(setting.key, Layer::User, None, value.clone()).unwrap();
            let options = switches(&settings, &Context::default());
            if options.is_empty() {
                continue;
            }
            let mut command = Command::new(binary("entente-player"));
            command.args(["play", "--ticket", "-"]).args(&options).stdin(Stdio::null());
            let outcome = Running::start(&mut command).finish(Duration::from_secs(10));
            assert_eq!(outcome.code(), 4, "{} = {value}: {outcome:?}", setting.key);
        }
    }
}
