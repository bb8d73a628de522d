//! The library in its real window: WebKit, a session bus with a real keyring, the demo cloud as its own process, the
//! player's window beside it.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and wait")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use entente_demo::{AccountsConfig, DemoCloud, DemoConfig};
use entente_tests::browser::Browser;
use entente_tests::display::{read_strip, wait};
use entente_tests::person::{BODIES, Person, SOON, make_pad};
use entente_tests::program::{Running, skip};
use entente_tests::shell::{Desk, Shell, below, below_all};
use entente_tests::tee::Tee;
use serde_json::{Value, json};

/// From the press to the picture, on a machine that encodes, decodes and draws by CPU.
const START: Duration = Duration::from_secs(30);

fn desk(test: &str, keyring: bool) -> Option<Desk> {
    let desk = Desk::start(keyring).map_err(|why| skip(test, &why)).ok()?;
    // Small enough for every machine that tests, and the window shows it pixel for pixel.
    set(&desk, &json!({ "video.size": "1280x720", "video.fps": "30", "look.language": "en", "audio.device": "none" }));
    Some(desk)
}

/// Writes settings as the user's own, as the settings screen does.
fn set(desk: &Desk, values: &Value) {
    for (key, value) in values.as_object().unwrap() {
        let folder = desk.home.join("config");
        std::fs::create_dir_all(&folder).unwrap();
        let settings = entente_store::Settings::open(folder.join(entente_store::settings::FILE));
        let value = serde_json::from_value(value.clone()).unwrap();
        settings.set(key, entente_store::settings::Layer::User, None, value).unwrap();
    }
}

fn open(desk: &Desk, arguments: &[&str]) -> Shell {
    make_pad(desk);
    let pad = desk.pad().display().to_string();
    let shell = desk.open(arguments, &[("ENTENTE_TEST_PAD", &pad)]).unwrap();
    shell.wait_for("return document.querySelector('h1') !== null", START).unwrap();
    shell
}

/// Keeps a picture of the page for those who look at the run.
fn keep(shell: &Shell, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("library-window");
    std::fs::create_dir_all(&folder).unwrap();
    // What is in the document has been drawn two frames later.
    let drawn = "requestAnimationFrame(() => requestAnimationFrame(arguments[arguments.length - 1]))";
    shell.run_async(drawn).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), shell.screenshot().unwrap()).unwrap();
}

/// Somebody approves the shown code in a browser that we did not write.
fn approve(shell: &Shell) {
    let url = "return document.querySelector('.url')?.textContent.trim() ?? ''";
    let url = shell.wait_for(url, SOON).unwrap().as_str().unwrap().to_owned();
    let code = "return document.querySelector('.letters [aria-hidden]').textContent";
    let code = shell.run(code).unwrap().as_str().unwrap().to_owned();
    let browser = Browser::start().unwrap();
    browser.open(&format!("http://{url}")).unwrap();
    browser.click("#code").unwrap();
    browser.keys(&code).unwrap();
    browser.click("button").unwrap();
    browser.wait_for("return document.querySelector('#name') !== null", SOON).unwrap();
    browser.click("#name").unwrap();
    browser.keys("Ada").unwrap();
    browser.click("button[value=allow]").unwrap();
    browser.wait_for("return document.querySelector('[role=status]') !== null", SOON).unwrap();
}

/// Waits for the player's window and sees its picture move; its process.
fn watch_player(desk: &Desk, shell: &Shell) -> u32 {
    let player = wait(START, || below(shell.process, "entente-player").first().copied()).expect("a player");
    let window = desk.display.window_of(player);
    let strip = |shown: &_| read_strip(shown, (0, 0), 1.0).captured_micros;
    let first = window.until("a readable timecode", START, strip);
    window.until("the game moves on", START, |shown| strip(shown).filter(|then| *then > first));
    player
}

fn end_player(desk: &Desk, player: u32) {
    desk.display.window_of(player).key("ctrl+alt+q");
}

/// Every tile in sight has its picture.
const PICTURES: &str = "const all = [...document.querySelectorAll('img')]; \
    return all.length > 4 && all.every((img) => img.complete && img.naturalWidth > 0)";

/// From nothing to the report with a signed-in account; then again from the cache, with the service off.
fn first_run(body: &str) {
    let test = format!("first_run_to_report_and_back({body})");
    if let Err(why) = Browser::start() {
        return skip(&test, &why);
    }
    let Some(desk) = desk(&test, true) else { return };
    let shell = open(&desk, &[]);
    let mut person = Person::new(&desk, &shell, body);
    person.read("Play now, no account");
    keep(&shell, &format!("{body}-welcome"));
    person.press("[data-focus=sign-in]");
    person.press("[data-focus=account-demo]");
    person.press("[data-focus=way-device_code]");
    person.see(".letters");
    keep(&shell, &format!("{body}-code"));
    approve(&shell);
    person.read("Welcome, Ada");
    person.press("[data-focus=to-library]");
    person.see("[data-focus^='card-demo/']");
    shell.wait_for(PICTURES, SOON).unwrap();
    keep(&shell, &format!("{body}-library"));
    person.press("[data-focus='card-demo/game']");
    person.see("[data-focus=play]:not(:disabled)");
    keep(&shell, &format!("{body}-card"));
    person.press("[data-focus=play]");
    let player = watch_player(&desk, &shell);
    person.read("playing");
    // Long enough to be judged.
    std::thread::sleep(Duration::from_secs(6));
    end_player(&desk, player);
    person.see(".score");
    person.read("Press to picture");
    keep(&shell, &format!("{body}-report"));
    person.press("[data-focus=close]");
    person.see("[data-focus^='card-demo/']");
    drop(person);
    drop(shell);

    let services = desk.home.join("services.json");
    std::fs::write(&services, r#"{"demo": "http://127.0.0.1:9"}"#).unwrap();
    let shell = open(&desk, &["--services", services.to_str().unwrap()]);
    let person = Person::new(&desk, &shell, body);
    person.see("[data-focus^='card-demo/']");
    person.read("Go on playing");
    person.read("Offline");
    shell.wait_for(PICTURES, SOON).unwrap();
    keep(&shell, &format!("{body}-offline"));
}

#[test]
fn first_run_to_report_and_back_by_pointer() {
    first_run(BODIES[0]);
}

#[test]
fn first_run_to_report_and_back_by_keyboard() {
    first_run(BODIES[1]);
}

#[test]
fn first_run_to_report_and_back_by_pad() {
    first_run(BODIES[2]);
}

/// The promise of the first screen: two presses, no account.
#[test]
fn a_newcomer_plays_with_two_presses() {
    let Some(desk) = desk("a_newcomer_plays_with_two_presses", true) else { return };
    let shell = open(&desk, &[]);
    let mut person = Person::new(&desk, &shell, "keyboard");
    person.see("[data-focus=guest]");
    person.focus("guest");
    person.send("accept");
    person.focus("play-");
    person.send("accept");
    let player = watch_player(&desk, &shell);

    // A second start shows the first window, and a link goes to it.
    let mut second = desk.entente();
    let second = Running::start(second.arg("entente://card/demo/padcheck")).finish(Duration::from_secs(10));
    assert_eq!(second.code(), 0, "{second:#?}");
    person.read("Pad");

    // A player that is killed is a sentence and a way back.
    let killed = Command::new("kill").args(["-9", &player.to_string()]).status().unwrap();
    assert!(killed.success());
    person.see("[data-focus=again]");
    keep(&shell, "player-killed");
    person.send("accept");
    let player = watch_player(&desk, &shell);

    // The window is closed during the game: the game goes on, and the program ends with it.
    let library = desk.display.window_of(shell.process);
    library.close();
    let hidden = || desk.display.xdotool(&["search", "--onlyvisible", "--pid", &shell.process.to_string()]).is_none();
    assert!(wait(Duration::from_secs(5), || hidden().then_some(())).is_some(), "the library stays in sight");
    assert!(Path::new(&format!("/proc/{player}/exe")).exists(), "the game goes on");
    end_player(&desk, player);
    let gone = || (!Path::new(&format!("/proc/{}/exe", shell.process)).exists()).then_some(());
    assert!(wait(Duration::from_secs(10), gone).is_some(), "the program ends with the game");
    let listed = Running::start(desk.entente().args(["list", "--json"])).finish(Duration::from_secs(10));
    let played = listed.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let played: Vec<Value> = played.filter(|card| card["playtimeSeconds"].as_u64() > Some(0)).collect();
    assert_eq!(played.len(), 1, "{listed:#?}");
}

#[test]
fn without_a_keyring_the_user_decides() {
    let Some(desk) = desk("without_a_keyring_the_user_decides", false) else { return };
    let shell = open(&desk, &[]);
    let mut person = Person::new(&desk, &shell, "pointer");
    person.see("[data-focus=memory]");
    keep(&shell, "no-keyring");
    person.press("[data-focus=memory]");
    person.press("[data-focus=guest]");
    person.see("[data-focus^='play-']");
}

/// axe-core in the WebKit that users have.
fn no_findings(theme: &str) {
    let test = format!("screens_have_no_axe_findings_in_webkit({theme})");
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/node_modules/axe-core/axe.min.js");
    let Ok(axe) = std::fs::read_to_string(axe) else { return skip(&test, "axe-core is not installed") };
    let Some(desk) = desk(&test, true) else { return };
    set(&desk, &json!({ "look.theme": theme }));
    let shell = open(&desk, &[]);
    let mut person = Person::new(&desk, &shell, "pointer");
    let check = |place: &str| {
        keep(&shell, &format!("{theme}-{place}"));
        let script = format!(
            "{axe}; const done = arguments[arguments.length - 1]; axe.run(document).then((found) => \
             done(found.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join(' '))), (e) => done(String(e)))"
        );
        let found = shell.run_async(&script).unwrap();
        assert_eq!(found, json!([]), "{place}");
    };
    person.see("[data-focus=guest]");
    check("welcome");
    person.press("[data-focus=guest]");
    person.see("[data-focus^='play-']");
    shell.wait_for(PICTURES, SOON).unwrap();
    check("library");
    person.press("[data-focus='card-demo/game']");
    person.see("[data-focus=play]:not(:disabled)");
    shell.wait_for("return document.querySelector('main img')?.naturalWidth > 0", SOON).unwrap();
    check("card");
    person.press("[data-focus=nav-accounts]");
    person.see("[data-focus^='out-']");
    check("accounts");
    person.press("[data-focus=nav-hosts]");
    person.see("[data-focus=add]");
    check("hosts");
    person.press("[data-focus=nav-settings]");
    person.see("[data-focus=section-video]");
    check("settings");
    person.press("[data-focus=to-about]");
    person.see("[data-focus=quit]");
    check("about");
    person.press("[data-focus=back]");
    person.press("[data-focus=to-doctor]");
    person.press("[data-focus=run]:not(:disabled)");
    person.read("ms to ");
    check("doctor");
}

#[test]
fn light_screens_have_no_axe_findings_in_webkit() {
    no_findings("light");
}

#[test]
fn dark_screens_have_no_axe_findings_in_webkit() {
    no_findings("dark");
}

/// What passes between page and program, and what the page keeps.
const RECORD: &str = "window.seen = []; const real = window.fetch; \
    window.fetch = async (...what) => { window.seen.push(String(what[0]), String(what[1]?.body ?? '')); \
    const answer = await real(...what); window.seen.push(await answer.clone().text()); return answer; }; \
    const inner = window.__TAURI_INTERNALS__; \
    inner.invoke('plugin:event|listen', { event: 'shell', target: { kind: 'Any' }, \
    handler: inner.transformCallback((event) => window.seen.push(JSON.stringify(event))) });";

/// Every value of a secret that was on the wire is looked for where others could find it.
#[test]
fn tokens_are_nowhere_but_in_memory_and_under_seal() {
    let test = "tokens_are_nowhere_but_in_memory_and_under_seal";
    if let Err(why) = Browser::start() {
        return skip(test, &why);
    }
    let Some(desk) = desk(test, true) else { return };
    let accounts = AccountsConfig { require_sign_in: true, ..AccountsConfig::default() };
    let cloud = DemoCloud::start(DemoConfig { accounts, ..DemoConfig::default() }).unwrap();
    let tee = Tee::to(cloud.address());
    let services = desk.home.join("services.json");
    std::fs::write(&services, json!({ "demo": format!("http://{}", tee.address) }).to_string()).unwrap();
    let shell = open(&desk, &["--services", services.to_str().unwrap()]);
    shell.run(RECORD).unwrap();
    let mut person = Person::new(&desk, &shell, "pointer");
    person.press("[data-focus=sign-in]");
    person.press("[data-focus=account-demo]");
    person.press("[data-focus=way-device_code]");
    approve(&shell);
    person.press("[data-focus=to-library]");
    person.see("[data-focus='card-demo/game']");
    person.press("[data-focus='card-demo/game']");
    person.press("[data-focus=play]:not(:disabled)");
    let player = watch_player(&desk, &shell);

    let secrets = tee.secrets();
    // Access and refresh token, device code, token of the stream.
    assert!(secrets.len() >= 4, "{} secrets passed", secrets.len());
    let mut places = Vec::new();
    for process in below_all(shell.driver()) {
        for kind in ["cmdline", "environ"] {
            let path = format!("/proc/{process}/{kind}");
            places.push((path.clone(), std::fs::read(path).unwrap_or_default()));
        }
    }
    let page = shell.run(
        "return JSON.stringify([window.seen, { ...localStorage }, { ...sessionStorage }, document.cookie, \
         document.documentElement.outerHTML, location.href])",
    );
    let page = page.unwrap().as_str().unwrap().to_owned();
    assert!(page.contains("\\\"play\\\""), "events were recorded: {}", &page[..300.min(page.len())]);
    places.push(("the page and its talk with the program".to_owned(), page.into_bytes()));
    end_player(&desk, player);
    person.see(".score");
    drop(person);
    drop(shell);
    desk.files(&mut places);
    assert!(places.iter().any(|(name, _)| name.ends_with("entente.log")), "the log is among what is looked through");
    for (place, bytes) in &places {
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "a secret is in {place}");
        }
    }
    // The log of a run that was told to say much says something.
    let log = places.iter().find(|(name, _)| name.ends_with("entente.log")).unwrap();
    assert!(log.1.len() > 100, "{}", String::from_utf8_lossy(&log.1));
}
