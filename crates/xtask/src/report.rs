//! What the tests said: counts and skipped ones, from nextest's JUnit file or from the output of `cargo test`.

/// Mark at the start of a line by which a test says that it could not run here.
const MARK: &str = "skipped: ";

/// The tests of one run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Tests that said why they could not run, wholly or in part; not among the passed.
    pub(crate) skipped: Vec<Skipped>,
    /// How many tests `skipped` came from.
    pub(crate) skipped_tests: usize,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// Crate and test, empty when unknown.
    pub(crate) test: String,
    /// Why.
    pub(crate) why: String,
}

impl Report {
    /// From the JUnit file that the `ci` profile of nextest writes with the output of passed tests.
    pub(crate) fn from_junit(xml: &str) -> Self {
        let mut report = Self::default();
        for case in xml.split("<testcase ").skip(1) {
            let (head, rest) = case.split_once('>').unwrap_or((case, ""));
            let body = if head.ends_with('/') { "" } else { rest.split("</testcase>").next().unwrap_or_default() };
            // A test that failed at first and passed at a second try has <flakyFailure>; there are no second tries.
            if body.contains("<failure") || body.contains("<error") {
                report.failed += 1;
                continue;
            }
            let test = format!("{} {}", attribute(head, "classname"), attribute(head, "name"));
            let before = report.skipped.len();
            let (_, output) = body.split_once("<system-out>").unwrap_or_default();
            for line in unescape(output).lines() {
                report.note(&test, line);
            }
            report.count(before);
        }
        report
    }

    /// From the output of `cargo test -- --show-output`. The lines do not say reliably which test they belong to.
    pub(crate) fn from_cargo_test(output: &str) -> Self {
        let mut report = Self::default();
        let (mut passed, mut ignored) = (0, 0);
        for line in output.lines() {
            if let Some(counts) = line.strip_prefix("test result: ") {
                passed += number_before(counts, " passed");
                ignored += number_before(counts, " ignored");
                report.failed += number_before(counts, " failed");
            }
            report.note("", line);
        }
        // As each test says it once, a reason is a test here.
        report.skipped_tests = report.skipped.len().min(passed) + ignored;
        report.passed = passed.saturating_sub(report.skipped.len());
        report
    }

    fn note(&mut self, test: &str, line: &str) {
        if let Some(why) = line.trim().strip_prefix(MARK) {
            self.skipped.push(Skipped { test: test.to_owned(), why: why.to_owned() });
        }
    }

    fn count(&mut self, skipped_before: usize) {
        if self.skipped.len() > skipped_before {
            self.skipped_tests += 1;
        } else {
            self.passed += 1;
        }
    }

    /// Adds reasons that tests wrote to the file named by `ENTENTE_SKIP_LOG` and did not print as well.
    pub(crate) fn add_log(&mut self, log: &str) {
        for line in log.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if !self.skipped.iter().any(|known| known.why == line) {
                self.skipped.push(Skipped { test: String::new(), why: line.to_owned() });
            }
        }
    }

    /// The closing line.
    pub(crate) fn closing(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped_tests)
    }
}

fn attribute(head: &str, name: &str) -> String {
    let value = head.split_once(&format!("{name}=\"")).filter(|(before, _)| before.is_empty() || before.ends_with(' '));
    unescape(value.and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default())
}

fn unescape(text: &str) -> String {
    // The ampersand last, so that `&amp;lt;` becomes `&lt;` and no more.
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&#10;", "\n")
        .replace("&amp;", "&")
}

fn number_before(text: &str, mark: &str) -> usize {
    let before = text.split(mark).next().filter(|before| before.len() < text.len()).unwrap_or_default();
    before.rsplit([' ', ';']).next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUNIT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="4" failures="1" errors="0">
  <testsuite name="entente-drive::it" tests="3" disabled="0" errors="0" failures="1">
    <testcase name="sockets::echo" classname="entente-drive::it" time="0.022">
      <system-out>
running 1 test
</system-out>
      <system-err></system-err>
    </testcase>
    <testcase name="timing::exact" classname="entente-drive::it" time="0.5">
      <failure message="late" type="test failure">skipped: this line is of a failure</failure>
      <system-out>skipped: nor does this count</system-out>
    </testcase>
    <testcase name="quick" classname="entente-drive::it" time="0.5"/>
  </testsuite>
  <testsuite name="entente-tests::peers">
    <testcase name="chromium" classname="entente-tests::peers" time="0.1">
      <system-out>skipped: Chromium sends h264: no &lt;chromedriver&gt; &amp; no display
skipped: Chromium sends vp8: no &lt;chromedriver&gt;
test chromium ... ok</system-out>
    </testcase>
  </testsuite>
</testsuites>"#;

    #[test]
    fn nextest_results_are_counted_and_skips_are_named() {
        let mut report = Report::from_junit(JUNIT);
        assert_eq!(report.closing(), "2 passed, 1 failed, 1 skipped");
        assert_eq!(report.skipped.len(), 2);
        assert_eq!(report.skipped[0].test, "entente-tests::peers chromium");
        assert_eq!(report.skipped[0].why, "Chromium sends h264: no <chromedriver> & no display");
        report.add_log("Chromium sends vp8: no <chromedriver>\nsound: no card\n\n");
        assert_eq!(report.skipped.len(), 3);
        assert_eq!(report.skipped[2], Skipped { test: String::new(), why: "sound: no card".into() });
    }

    #[test]
    fn cargo_test_results_are_added_up() {
        let output = "running 2 tests\ntest a ... ok\n---- b stdout ----\nskipped: no GPU\n\n\
                      test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
                      test result: FAILED. 10 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out\n";
        let report = Report::from_cargo_test(output);
        assert_eq!(report.closing(), "11 passed, 3 failed, 2 skipped");
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(Report::from_junit(""), Report::default());
        assert_eq!(Report::from_cargo_test("error: could not compile"), Report::default());
    }
}
