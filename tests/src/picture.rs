//! Pictures that the player wrote with `--dump`.

use std::path::{Path, PathBuf};

/// A decoded PNG, RGB.
#[derive(Clone, Debug)]
pub struct Rgb {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Rows of red, green, blue.
    pub data: Vec<u8>,
}

impl Rgb {
    /// Reads a PNG of 8-bit RGB or RGBA.
    ///
    /// # Panics
    /// When it is not one: the player wrote it.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let file = std::io::BufReader::new(std::fs::File::open(path).expect("the picture"));
        let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
        let mut data = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut data).expect("a PNG");
        data.truncate(info.buffer_size());
        let data = match info.color_type {
            png::ColorType::Rgb => data,
            png::ColorType::Rgba => data.chunks_exact(4).flat_map(|pixel| pixel.iter().take(3).copied()).collect(),
            other => panic!("{other:?}"),
        };
        Self { width: info.width as usize, height: info.height as usize, data }
    }

    /// Red, green, blue at a point; black outside.
    #[must_use]
    pub fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let start = (y * self.width + x) * 3;
        match self.data.get(start..start + 3) {
            Some(&[r, g, b]) if x < self.width => [r, g, b],
            _ => [0; 3],
        }
    }

    /// Peak signal-to-noise ratio in dB against `expected` over a rectangle.
    #[must_use]
    pub fn psnr(
        &self,
        xs: std::ops::Range<usize>,
        ys: std::ops::Range<usize>,
        expected: impl Fn(usize, usize) -> [u8; 3],
    ) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for y in ys {
            for x in xs.clone() {
                for (is, should) in self.at(x, y).iter().zip(expected(x, y)) {
                    sum += (f64::from(*is) - f64::from(should)).powi(2);
                    count += 1.0;
                }
            }
        }
        if count == 0.0 { 0.0 } else { 10.0 * (255.0 * 255.0 / (sum / count).max(1e-9)).log10() }
    }
}

/// The dumped pictures in the order of their names.
#[must_use]
pub fn dumped(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
    files.sort();
    files
}
