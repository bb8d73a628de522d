//! The stamps of each presented frame as CSV, written by the observer.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use entente_model::time::MonoClock;
use entente_stats::{FrameRecord, csv};

use crate::EngineError;

/// A CSV file that grows by a line for each presented frame.
pub(crate) struct Frames {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Frames {
    /// Creates the file with its header.
    pub(crate) fn create(path: PathBuf) -> Result<Self, EngineError> {
        let file = File::create(&path).and_then(|file| {
            let mut file = BufWriter::new(file);
            writeln!(file, "{}", csv::HEADER)?;
            Ok(file)
        });
        match file {
            Ok(file) => Ok(Self { path, file: Some(file) }),
            Err(why) => Err(EngineError::File { path: path.display().to_string(), why }),
        }
    }

    /// Adds a line. A full disk costs the rest of the file, never the game.
    pub(crate) fn add(&mut self, record: &FrameRecord, clock: &MonoClock) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = writeln!(file, "{}", csv::row(record, clock)) {
            tracing::warn!(path = %self.path.display(), %error, "the stamps of frames are no longer written");
            self.file = None;
        }
    }
}
