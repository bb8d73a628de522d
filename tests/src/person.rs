//! Somebody at the shell: by pointer, by keyboard alone, or by a controller alone.

use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use serde_json::Value;

use crate::shell::{Desk, Shell};

/// Until something that needs no network is there.
pub const SOON: Duration = Duration::from_secs(15);
/// Most presses from one place to another.
const PRESSES: usize = 60;

/// What the person uses.
#[derive(Debug)]
pub enum Body {
    /// A mouse.
    Pointer,
    /// Arrow keys and Enter.
    Keyboard,
    /// Lines for `ENTENTE_TEST_PAD`.
    Pad(File),
}

/// Somebody in front of the window.
#[derive(Debug)]
pub struct Person<'a> {
    shell: &'a Shell,
    body: Body,
}

/// Kinds of [`Body`].
pub const BODIES: [&str; 3] = ["pointer", "keyboard", "pad"];

/// Makes the pipe for a controller; call it before the shell is opened with `ENTENTE_TEST_PAD`.
///
/// # Panics
/// When the system makes no pipe.
pub fn make_pad(desk: &Desk) {
    if !desk.pad().exists() {
        let made = std::process::Command::new("mkfifo").arg(desk.pad()).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    }
}

impl<'a> Person<'a> {
    /// Somebody with this body in front of `shell`.
    ///
    /// # Panics
    /// When the shell does not read the controller.
    #[must_use]
    pub fn new(desk: &Desk, shell: &'a Shell, body: &str) -> Self {
        let body = match body {
            "pointer" => Body::Pointer,
            "keyboard" => Body::Keyboard,
            _ => Body::Pad(File::options().write(true).open(desk.pad()).expect("the shell reads the controller")),
        };
        Self { shell, body }
    }

    /// Waits for the element, goes there and presses it.
    ///
    /// # Panics
    /// When it does not come or cannot be reached.
    pub fn press(&mut self, selector: &str) {
        self.see(selector);
        if let Body::Pointer = self.body {
            self.shell.click(selector).expect("a click");
        } else {
            self.walk(selector);
            self.send("accept");
        }
    }

    /// Waits for an element.
    ///
    /// # Panics
    /// When it does not come; what the page shows is told.
    pub fn see(&self, selector: &str) {
        self.until(selector, &format!("return document.querySelector({selector:?}) !== null"));
    }

    /// Waits for words on the page.
    ///
    /// # Panics
    /// When they do not come; what the page shows is told.
    pub fn read(&self, words: &str) {
        self.until(words, &format!("return document.body.innerText.includes({words:?})"));
    }

    /// Waits until the focus is on something whose name begins so.
    ///
    /// # Panics
    /// When it does not come there; what the page shows is told.
    pub fn focus(&self, name: &str) {
        let script = format!("return document.activeElement?.dataset.focus?.startsWith({name:?}) ?? false");
        self.until(&format!("the focus on {name}"), &script);
    }

    fn until(&self, what: &str, script: &str) {
        if let Err(why) = self.shell.wait_for(script, SOON) {
            let text =
                self.shell.run("return document.body.innerText + ' | focus: ' + document.activeElement?.outerHTML");
            let picture = std::env::temp_dir().join(format!("entente-failed-{}.png", std::process::id()));
            let _ = self.shell.screenshot().map(|png| std::fs::write(&picture, png));
            panic!("{what}: {why}; the page says: {text:?}; it looks like {}", picture.display());
        }
    }

    /// One press of a button: `up`, `accept`, ... With a pointer it is a key too.
    ///
    /// # Panics
    /// When the shell is gone.
    pub fn send(&mut self, button: &str) {
        match &mut self.body {
            Body::Pad(pipe) => writeln!(pipe, "{button}").expect("the shell reads the controller"),
            Body::Pointer | Body::Keyboard => {
                // W3C WebDriver, section 17.4.2.
                let key = match button {
                    "up" => "\u{E013}",
                    "down" => "\u{E015}",
                    "left" => "\u{E012}",
                    "right" => "\u{E014}",
                    "accept" => "\u{E007}",
                    _ => "\u{E00C}",
                };
                self.shell.keys(key).expect("a key");
            }
        }
        // Two frames: what a press changes is drawn, and so is what the page does then.
        let drawn = "const done = arguments[arguments.length - 1]; \
                     requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30)));";
        self.shell.run_async(drawn).expect("the page draws");
    }

    /// Walks by what can be seen: towards the element, along the other axis when that does not help.
    fn walk(&mut self, selector: &str) {
        let look = format!(
            "const target = document.querySelector({selector:?}); const at = document.activeElement; \
             if (!target) return null; \
             const a = at.getBoundingClientRect(), b = target.getBoundingClientRect(); \
             const apart = Math.max(0, b.top - a.bottom, a.top - b.bottom); \
             return {{ there: at === target, x: b.x + b.width / 2 - (a.x + a.width / 2), \
             y: b.y + b.height / 2 - (a.y + a.height / 2), apart, \
             at: (at.dataset.focus ?? '') + '|' + at.innerText.slice(0, 30) }}"
        );
        let mut tried: Vec<String> = Vec::new();
        for _ in 0..PRESSES {
            let seen = self.shell.run(&look).expect("the page");
            if seen["there"] == true {
                return;
            }
            let number = |name: &str| seen[name].as_f64().unwrap_or(0.0);
            let vertical = if number("y") > 0.0 { "down" } else { "up" };
            let horizontal = if number("x") > 0.0 { "right" } else { "left" };
            let place = format!("{} {}", seen["at"], number("apart") > 0.0);
            let upright = (number("apart") > 0.0) != tried.contains(&place);
            tried.push(place);
            let (first, second) = if upright { (vertical, horizontal) } else { (horizontal, vertical) };
            self.send(first);
            let now: Value = self.shell.run(&look).expect("the page");
            if now["at"] == seen["at"] && now["there"] != true {
                self.send(second);
            }
        }
        panic!("{selector} cannot be reached; on the way: {tried:#?}");
    }
}
