//! The pages on which a person allows or denies a sign-in, in a real browser and by keyboard alone.
#![allow(clippy::disallowed_methods, reason = "tests read clocks and wait")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use entente_demo::{AccountsConfig, DemoCloud, DemoConfig};
use entente_tests::browser::Browser;
use entente_tests::program::skip;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(10);
// Keys of the WebDriver protocol, section 17.4.2.
const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";
const FORM: &str = "application/x-www-form-urlencoded";

/// A form posted to the cloud: status and body.
fn post(url: &str, body: &str) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut reply = agent.post(url).header("content-type", FORM).send(body).unwrap();
    (reply.status().as_u16(), serde_json::from_str(&reply.body_mut().read_to_string().unwrap()).unwrap())
}

/// Goes on with the Tab key until `selector` has the focus.
fn tab_to(browser: &Browser, selector: &str) {
    for _ in 0..20 {
        let there = browser.run(&format!("return document.activeElement === document.querySelector({selector:?})"));
        if there.unwrap() == true {
            return;
        }
        browser.keys(TAB).unwrap();
    }
    panic!("{selector} is not reached with the Tab key");
}

/// Waits for a page that says `words`, and lets axe look at it.
fn sound(browser: &Browser, axe: &str, words: &str, name: &str) {
    let shown = format!("return document.readyState === 'complete' && document.body.innerText.includes({words:?})");
    browser.wait_for(&shown, SOON).unwrap();
    let look = "const done = arguments[arguments.length - 1]; axe.run(document).then((found) => done({ \
        passes: found.passes.length, violations: found.violations.map((one) => `${one.id}: ${one.nodes[0].html}`) \
        }), (error) => done({ violations: [String(error)] }))";
    let found = browser.run_async(&format!("{axe}; {look}")).unwrap();
    let folder = std::env::var_os("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from).join("consent");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), browser.screenshot().unwrap()).unwrap();
    assert!(found["passes"].as_u64().is_some_and(|passes| passes > 10), "{name}: {found}");
    assert_eq!(found["violations"], serde_json::json!([]), "{name}");
}

#[test]
fn a_code_is_typed_and_allowed_or_denied_by_keyboard_and_axe_finds_nothing() {
    let test = "a_code_is_typed_and_allowed_or_denied_by_keyboard_and_axe_finds_nothing";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/node_modules/axe-core/axe.min.js");
    let Ok(axe) = std::fs::read_to_string(file) else { return skip(test, "axe-core is not installed") };
    let browser = match Browser::start() {
        Ok(browser) => browser,
        Err(why) => return skip(test, &why),
    };
    let accounts = AccountsConfig { device_interval: Duration::ZERO, ..AccountsConfig::default() };
    let cloud = DemoCloud::start(DemoConfig { accounts, ..DemoConfig::default() }).unwrap();
    let base = cloud.url();
    for (decision, said, outcome) in [("allow", "Signed in", None), ("deny", "Denied", Some("access_denied"))] {
        let (_, begun) = post(&format!("{base}/oauth/device"), "client_id=entente-desktop");
        let (code, device) = (begun["user_code"].as_str().unwrap(), begun["device_code"].as_str().unwrap());
        browser.open(begun["verification_uri"].as_str().unwrap()).unwrap();
        sound(&browser, &axe, "code", &format!("{decision}-code"));
        // A wrong one first: the page says so and keeps the field.
        tab_to(&browser, "input.code");
        browser.keys(&format!("BCDF-BCDF{ENTER}")).unwrap();
        browser.wait_for("return document.querySelector('[role=alert]') !== null", SOON).unwrap();
        sound(&browser, &axe, "code", &format!("{decision}-wrong"));
        tab_to(&browser, "input.code");
        browser.run("document.querySelector('input.code').select()").unwrap();
        browser.keys(&format!("{}{ENTER}", code.to_lowercase())).unwrap();
        browser.wait_for("return document.querySelector('button[value=allow]') !== null", SOON).unwrap();
        sound(&browser, &axe, code, &format!("{decision}-question"));
        tab_to(&browser, "input[name=name]");
        browser.run("document.querySelector('input[name=name]').select()").unwrap();
        browser.keys("Ada").unwrap();
        tab_to(&browser, &format!("button[value={decision}]"));
        browser.keys(ENTER).unwrap();
        browser.wait_for("return document.querySelector('form') === null", SOON).unwrap();
        sound(&browser, &axe, said, &format!("{decision}-done"));

        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let poll = format!("grant_type={grant}&client_id=entente-desktop&device_code={device}");
        let (status, answer) = post(&format!("{base}/oauth/token"), &poll);
        match outcome {
            None => assert!(status == 200 && answer["access_token"].is_string(), "{status}: {answer}"),
            Some(error) => assert_eq!(answer["error"], error, "{status}"),
        }
    }
}
