//! A disk of 1 MiB that gets full, in a mount of its own.

use std::io::Write;
use std::sync::Arc;

use entente_model::catalogue::{Art, ProviderId, Title};
use entente_model::port::VaultPort;
use entente_model::provider::TitlePage;
use entente_model::{Problem, ProblemKind, Secret};
use entente_store::settings::{Context, Layer, Settings, Value};
use entente_store::vault::{Kept, SystemKeyring, Vault};
use entente_store::{ArtCache, Folders, Library};

use crate::inside::{folder, missing_program, run_inside};

/// Root inside its own user and mount namespace only.
const SMALL_DISK: &[&str] = &[
    "unshare",
    "-rm",
    "sh",
    "-c",
    r#"mkdir "$ENTENTE_TEST_FOLDER/disk" && mount -t tmpfs -o size=1m none "$ENTENTE_TEST_FOLDER/disk" && exec "$0" "$@""#,
];

/// Whether this user may make a disk; if not, it is said.
fn may_mount() -> bool {
    if let Some(name) = missing_program(&["unshare", "sh", "mount"]) {
        println!("skipped: no {name}");
        return false;
    }
    let mounts = "unshare -rm mount -t tmpfs none /mnt";
    let may = std::process::Command::new("sh").args(["-c", mounts]).output().unwrap().status.success();
    if !may {
        println!("skipped: this user may not mount");
    }
    may
}

#[test]
fn a_full_disk_is_said_and_leaves_what_was_there() {
    if !may_mount() {
        return;
    }
    run_inside(SMALL_DISK, "full_disk::inside_a_small_disk");
}

fn full<T>(result: Result<T, Problem>) {
    let Err(problem) = result else { panic!("it went through") };
    assert!(problem.kind == ProblemKind::Storage && problem.why.contains("No space"), "{problem}");
    assert!(problem.retry && problem.next_step.contains("Free some space"), "{problem}");
}

#[tokio::test]
#[ignore = "started by a_full_disk_is_said_and_leaves_what_was_there"]
async fn inside_a_small_disk() {
    let disk = folder().join("disk");
    let folders = Folders::under(&disk.join("home"));
    folders.create().unwrap();
    let settings = Settings::open(folders.config.join("settings.json"));
    let text = |text: &str| Value::Text(text.to_owned());
    settings.set("video.fps", Layer::User, None, text("60")).unwrap();
    let vault = Vault::open(folders.data.join("vault.sealed"), Arc::new(SystemKeyring::new("entente-test"))).await;
    vault.use_passphrase(&Secret::new("a long passphrase")).await.unwrap();
    vault.set("demo/refresh", Secret::new("one")).await.unwrap();
    let art = ArtCache::open(folders.cache.join("art"), 16).unwrap();
    let demo = ProviderId("demo".to_owned());
    let title = Title { id: "a".to_owned(), name: "Ant".to_owned(), ..Title::default() };
    let library = Library::open(folders.cache.join("library.sqlite")).unwrap();
    let mut refresh = library.begin(&demo, None, 1).unwrap();
    library.stage(&mut refresh, &TitlePage { titles: vec![title], ..TitlePage::default() }).unwrap();
    library.finish(refresh, 1).unwrap();
    drop(library);

    let mut filler = std::fs::File::create(disk.join("filler")).unwrap();
    while filler.write_all(&[7; 4096]).is_ok() {}

    full(settings.set("video.fps", Layer::User, None, text("30")));
    full(vault.set("demo/refresh", Secret::new("two")).await);
    full(vault.set("demo/other", Secret::new("x".repeat(10_000))).await);
    let picture = Art { url: "u".to_owned(), version: String::new() };
    full(art.put(&picture, &[b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 8192]].concat(), 1));
    full(Folders::under(&disk.join("other")).create().and_then(|()| {
        Settings::open(disk.join("other/config/settings.json")).set("video.fps", Layer::User, None, text("30"))
    }));

    // What was there is there, for this run and the next.
    assert_eq!(vault.get("demo/refresh").await.unwrap().unwrap().reveal(), "one");
    assert_eq!(settings.resolve("video.fps", &Context::default()).unwrap().value, text("60"));
    let settings = Settings::open(folders.config.join("settings.json"));
    assert_eq!(settings.resolve("video.fps", &Context::default()).unwrap().value, text("60"));
    let vault = Vault::open(folders.data.join("vault.sealed"), Arc::new(SystemKeyring::new("entente-test"))).await;
    assert!(vault.status().kept == Kept::Locked && vault.status().has_passphrase, "{:?}", vault.status());
    vault.unlock(&Secret::new("a long passphrase")).await.unwrap();
    assert_eq!(vault.get("demo/refresh").await.unwrap().unwrap().reveal(), "one");
    let library = Library::open(folders.cache.join("library.sqlite")).unwrap();
    let notes = library.take_notes();
    assert!(notes.iter().all(|note| note.why.contains("No space")), "{notes:?}");
    assert_eq!(library.titles().unwrap().len(), 1);
    let many = (0..2000).map(|number| Title { id: format!("t{number}"), ..Title::default() }).collect();
    let page = TitlePage { titles: many, ..TitlePage::default() };
    let fill = || -> Result<(), Problem> {
        let mut refresh = library.begin(&demo, None, 2)?;
        library.stage(&mut refresh, &page)?;
        library.finish(refresh, 2).map(|_| ())
    };
    assert_eq!(fill().unwrap_err().kind, ProblemKind::Storage);
    assert_eq!(library.titles().unwrap().len(), 1);

    // And with room again, all goes on.
    drop((filler, library));
    std::fs::remove_file(disk.join("filler")).unwrap();
    settings.set("video.fps", Layer::User, None, text("30")).unwrap();
    vault.set("demo/refresh", Secret::new("two")).await.unwrap();
    let library = Library::open(folders.cache.join("library.sqlite")).unwrap();
    assert!(library.take_notes().is_empty());
    let refresh = library.begin(&demo, None, 3).unwrap();
    library.abandon(refresh).unwrap();
}

#[test]
fn a_disk_that_cannot_be_written_can_be_read() {
    if !may_mount() {
        return;
    }
    run_inside(SMALL_DISK, "full_disk::inside_a_read_only_disk");
}

fn read_only<T>(result: Result<T, Problem>) {
    let Err(problem) = result else { panic!("it went through") };
    assert!(problem.kind == ProblemKind::Storage && problem.why.contains("cannot be written"), "{problem}");
}

#[tokio::test]
#[ignore = "started by a_disk_that_cannot_be_written_can_be_read"]
async fn inside_a_read_only_disk() {
    let disk = folder().join("disk");
    let home = disk.join("home");
    let text = |text: &str| Value::Text(text.to_owned());
    let secret = || Secret::new("a long passphrase");
    let open_settings = || Settings::open(home.join("settings.json"));
    let open_vault = || Vault::open(home.join("vault.sealed"), Arc::new(SystemKeyring::new("entente-test")));
    let open_library = || Library::open(home.join("library.sqlite")).unwrap();
    open_settings().set("video.fps", Layer::User, None, text("60")).unwrap();
    let vault = open_vault().await;
    vault.use_passphrase(&secret()).await.unwrap();
    vault.set("demo/refresh", Secret::new("one")).await.unwrap();
    let demo = ProviderId("demo".to_owned());
    let library = open_library();
    let mut refresh = library.begin(&demo, None, 1).unwrap();
    let title = Title { id: "a".to_owned(), ..Title::default() };
    library.stage(&mut refresh, &TitlePage { titles: vec![title], ..TitlePage::default() }).unwrap();
    library.finish(refresh, 1).unwrap();
    drop((vault, library));

    let mounted = std::process::Command::new("mount").args(["-o", "remount,ro"]).arg(&disk).status().unwrap();
    assert!(mounted.success());
    let settings = open_settings();
    assert_eq!(settings.resolve("video.fps", &Context::default()).unwrap().value, text("60"));
    assert!(settings.take_notes().is_empty());
    read_only(settings.set("video.fps", Layer::User, None, text("30")));
    assert_eq!(settings.resolve("video.fps", &Context::default()).unwrap().value, text("60"));
    let vault = open_vault().await;
    vault.unlock(&secret()).await.unwrap();
    assert_eq!(vault.get("demo/refresh").await.unwrap().unwrap().reveal(), "one");
    read_only(vault.set("demo/refresh", Secret::new("two")).await);
    assert_eq!(vault.get("demo/refresh").await.unwrap().unwrap().reveal(), "one");
    let library = open_library();
    assert_eq!((library.titles().unwrap().len(), library.take_notes().len()), (1, 1));
    read_only(library.begin(&demo, None, 2));
    read_only(Folders::under(&disk.join("other")).create());
}
