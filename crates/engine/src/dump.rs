//! Decoded frames as PNG, written by a thread of its own so that the video thread never waits for a disk.

use std::io::BufWriter;
use std::path::Path;
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use entente_model::picture::Picture;

use crate::{Dump, EngineError, join_in_time};

/// Pictures that may wait for the disk; when full, a picture is left out.
const WAITING: usize = 4;

pub(crate) struct Dumper {
    every: u64,
    seen: u64,
    pictures: Option<Sender<Picture>>,
    thread: Option<JoinHandle<()>>,
}

impl Dumper {
    pub(crate) fn start(dump: Dump) -> Result<Self, EngineError> {
        usable(&dump.folder).map_err(|why| EngineError::File { path: dump.folder.display().to_string(), why })?;
        let (pictures, waiting) = bounded::<Picture>(WAITING);
        let thread = std::thread::Builder::new().name(String::from("dump")).spawn(move || {
            for picture in waiting {
                let path = dump.folder.join(format!("frame-{:08}.png", picture.frame));
                if let Err(error) = write(&path, &picture) {
                    tracing::warn!(path = %path.display(), %error, "a frame could not be written");
                }
            }
        })?;
        Ok(Self { every: dump.every.max(1), seen: 0, pictures: Some(pictures), thread: Some(thread) })
    }

    pub(crate) fn offer(&mut self, picture: &Picture) {
        if self.seen.is_multiple_of(self.every)
            && let Some(pictures) = &self.pictures
            && pictures.try_send(picture.clone()).is_err()
        {
            tracing::warn!(frame = picture.frame, "the disk is behind; a frame is left out");
        }
        self.seen += 1;
    }
}

impl Drop for Dumper {
    fn drop(&mut self) {
        drop(self.pictures.take());
        if let Some(thread) = self.thread.take() {
            let _ = join_in_time(thread);
        }
    }
}

/// Makes the folder if it is not there, and finds out whether files may be made in it.
fn usable(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let trial = folder.join(format!(".entente-{}", std::process::id()));
    std::fs::File::create(&trial)?;
    std::fs::remove_file(trial)
}

fn write(path: &Path, picture: &Picture) -> Result<(), Box<dyn std::error::Error>> {
    let rgba = entente_present::to_rgba(picture)?;
    let file = BufWriter::new(std::fs::File::create(path)?);
    let mut encoder = png::Encoder::new(file, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgba)?;
    writer.finish()?;
    Ok(())
}
