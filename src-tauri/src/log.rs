//! Where the program's own lines go.

use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Which lines: `ENTENTE_LOG=debug`, or finer as `tracing` knows it.
const VARIABLE: &str = "ENTENTE_LOG";

/// Lines go to `file`, the one of the last run stays beside it; without a file, or when it cannot be made, to standard
/// error.
pub(crate) fn start(file: Option<&Path>) {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("warn,entente=info"));
    let made = file.and_then(|file| {
        // There may be no last run.
        let _ = std::fs::rename(file, file.with_extension("last.log"));
        std::fs::File::create(file).ok()
    });
    let colours = made.is_none();
    let writer = match made {
        Some(file) => BoxMakeWriter::new(Mutex::new(file)),
        None => BoxMakeWriter::new(std::io::stderr),
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(writer);
    // Only a second call fails, and then there is a log.
    let _ = lines.try_init();
}
