//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use entente_decode::HardwareChoice;
use entente_model::media::VideoCodec;

/// Plays streamed games with little delay.
#[derive(Debug, Parser)]
#[command(name = "entente-player", version, about, max_term_width = 110)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// List audio outputs and controllers, then exit.
    #[arg(long)]
    pub(crate) list_devices: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play a stream: whep+http://, whep+https:// or demo://.
    Play(Box<Play>),
}

/// How pictures are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Renderer {
    /// The GPU where there is a usable one, else the CPU.
    #[default]
    Auto,
    /// wgpu, even on a software rasteriser.
    Gpu,
    /// The CPU.
    Software,
}

/// How a picture fills the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scaling {
    /// As large as fits, black bars.
    #[default]
    Fit,
    /// Whole multiples only, black bars.
    Integer,
    /// Fills the window, edges cut.
    Fill,
}

/// What the keyboard is to the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keyboard {
    /// A pad while no real one is connected, else a keyboard.
    #[default]
    Auto,
    /// Always a pad.
    Pad,
    /// Always a keyboard.
    Keys,
}

/// How much the debug overlay shows at start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Overlay {
    /// Nothing.
    #[default]
    Off,
    /// One line.
    Line,
    /// The figures that matter most.
    Compact,
    /// Everything.
    Full,
}

#[derive(Args, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is one switch of the command line")]
pub(crate) struct Play {
    /// whep+http://host:port/path, whep+https://..., demo://game, demo://padcheck or demo://testcard.
    #[arg(required_unless_present = "ticket")]
    pub(crate) url: Option<String>,
    /// Read a ticket (JSON) from standard input; the only value is `-`.
    #[arg(long, value_name = "-", conflicts_with = "url")]
    pub(crate) ticket: Option<String>,
    /// No window: nothing is drawn, sound goes nowhere unless --audio-device or --wav says otherwise.
    #[arg(long)]
    pub(crate) headless: bool,
    /// Stop after this many seconds of playing.
    #[arg(long, value_name = "N", value_parser = parse_seconds)]
    pub(crate) seconds: Option<f64>,
    /// Write a JSON report at the end.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Ask the host for this picture size.
    #[arg(long, value_name = "WxH", value_parser = parse_size)]
    pub(crate) size: Option<(u32, u32)>,
    /// Ask the host for this frame rate.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) fps: Option<u32>,
    /// Accept only these codecs, best first: h264, hevc, av1, vp9, vp8.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) codec: Vec<VideoCodec>,
    /// Ask the host to stay below this video bit rate.
    #[arg(long, value_name = "KBPS")]
    pub(crate) bitrate: Option<u32>,
    /// Audio output: a name of --list-devices, `default` or `none`.
    #[arg(long, value_name = "NAME")]
    pub(crate) audio_device: Option<String>,
    /// Write what is played to a WAV file.
    #[arg(long, value_name = "FILE")]
    pub(crate) wav: Option<PathBuf>,
    /// Write decoded frames as PNG into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) dump: Option<PathBuf>,
    /// With --dump: every Nth frame.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) dump_every: u64,
    /// Write the stamps of each presented frame to this CSV file.
    #[arg(long, value_name = "FILE")]
    pub(crate) frames: Option<PathBuf>,
    /// Write the encoded frames as they arrive to this file (IVF; ffplay and ffmpeg read it).
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// How pictures are drawn.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) renderer: Renderer,
    /// Decoder: auto, software, vaapi, cuda, videotoolbox, d3d11va or vulkan.
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub(crate) decoder: HardwareChoice,
    /// How the picture fills the window.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) scaling: Scaling,
    /// What the keyboard is to the host.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) keyboard: Keyboard,
    /// Debug overlay at start; F3 changes it.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) overlay: Overlay,
    /// Start in full screen; F11 changes it.
    #[arg(long)]
    pub(crate) fullscreen: bool,
    /// Show frames even when pictures that they depend on were lost (smears instead of freezing).
    #[arg(long)]
    pub(crate) allow_damaged: bool,
    /// Accept tearing for less delay.
    #[arg(long)]
    pub(crate) tearing: bool,
    /// Also trust this root certificate (PEM), for hosts with a certificate of their own.
    #[arg(long, value_name = "FILE", value_parser = read_certificate)]
    pub(crate) root_certificate: Option<Certificate>,
}

/// The bytes of a certificate file.
#[derive(Clone, Debug)]
pub(crate) struct Certificate(pub(crate) Vec<u8>);

/// Read with the arguments: a file that cannot be read is a wrong argument, not a host that cannot be reached.
fn read_certificate(path: &str) -> Result<Certificate, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("the file cannot be read: {error}"))?;
    if bytes.windows(PEM.len()).any(|window| window == PEM) {
        Ok(Certificate(bytes))
    } else {
        Err("the file holds no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\")".to_owned())
    }
}

const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----";

fn parse_seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0);
    seconds.ok_or_else(|| format!("{text:?} is not a number of seconds"))
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("{text:?} is not a size; write it like 1280x720");
    let (width, height) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
    let read = |part: &str| part.parse::<u32>().ok().filter(|side| (16..=8192).contains(side)).ok_or_else(wrong);
    Ok((read(width)?, read(height)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(args: &[&str]) -> Result<Play, clap::Error> {
        let all = ["entente-player", "play"].iter().chain(args);
        match Cli::try_parse_from(all)?.command {
            Some(Command::Play(play)) => Ok(*play),
            None => panic!("no command"),
        }
    }

    #[test]
    fn the_documented_switches_are_read() {
        let p =
            play(&["demo://", "--headless", "--seconds", "10", "--size", "1280x720", "--codec", "vp8,h264"]).unwrap();
        assert_eq!(p.size, Some((1280, 720)));
        assert_eq!(p.codec, [VideoCodec::Vp8, VideoCodec::H264]);
        assert!(p.headless);
    }

    #[test]
    fn an_address_or_a_ticket_is_needed_but_not_both() {
        assert!(play(&[]).is_err());
        assert!(play(&["demo://", "--ticket", "-"]).is_err());
        assert!(play(&["--ticket", "-"]).is_ok());
    }

    #[test]
    fn silly_times_and_decoders_are_refused() {
        for seconds in ["nan", "inf", "-1", "ten"] {
            assert!(play(&["demo://", &format!("--seconds={seconds}")]).is_err(), "{seconds}");
        }
        assert_eq!(play(&["demo://", "--seconds", "0.5"]).unwrap().seconds, Some(0.5));
        assert!(play(&["demo://", "--decoder", "foo"]).unwrap_err().to_string().contains("videotoolbox"));
        assert!(play(&["demo://", "--decoder", "cuda:1"]).is_ok());
    }

    #[test]
    fn silly_sizes_are_refused() {
        for size in ["1280", "0x0", "axb", "99999x2", "-1x5"] {
            assert!(play(&["demo://", "--size", size]).is_err(), "{size}");
        }
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_a_wrong_argument() {
        let missing = play(&["demo://", "--root-certificate", "/nonexistent/root.pem"]).unwrap_err().to_string();
        assert!(missing.contains("cannot be read"), "{missing}");
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let other = play(&["demo://", "--root-certificate", manifest]).unwrap_err().to_string();
        assert!(other.contains("PEM"), "{other}");
    }
}
