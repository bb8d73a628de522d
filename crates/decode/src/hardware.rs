//! Which hardware decoders to try, and in which order.

use crate::DecodeError;

/// Whether pictures may be decoded by hardware.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HardwareChoice {
    /// Try what the platform has, then software.
    #[default]
    Auto,
    /// Software only.
    Never,
    /// This one, then software: `vaapi`, `cuda`, `d3d11va`, `videotoolbox` or `vulkan`, with an optional device after a
    /// colon as FFmpeg takes it, for example `vaapi:/dev/dri/renderD129` or `cuda:1`.
    Named(String),
}

impl std::str::FromStr for HardwareChoice {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let choice = match text {
            "auto" => Self::Auto,
            "never" | "none" | "software" => Self::Never,
            name => Self::Named(name.to_owned()),
        };
        candidates(&choice).map(|_| choice)
    }
}

/// A hardware decoder to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// FFmpeg's device type name.
    pub(crate) kind: String,
    /// FFmpeg's device, or the default one.
    pub(crate) device: Option<String>,
}

const KNOWN: [&str; 5] = ["vaapi", "cuda", "d3d11va", "videotoolbox", "vulkan"];

const PLATFORM: &[&str] = if cfg!(target_os = "windows") {
    &["d3d11va", "cuda", "vulkan"]
} else if cfg!(target_os = "macos") {
    &["videotoolbox"]
} else {
    &["vaapi", "cuda", "vulkan"]
};

/// Candidates in the order in which to try them.
pub(crate) fn candidates(choice: &HardwareChoice) -> Result<Vec<Candidate>, DecodeError> {
    match choice {
        HardwareChoice::Never => Ok(Vec::new()),
        HardwareChoice::Auto => {
            Ok(PLATFORM.iter().map(|kind| Candidate { kind: (*kind).to_owned(), device: None }).collect())
        }
        HardwareChoice::Named(name) => {
            let (kind, device) = match name.split_once(':') {
                Some((kind, device)) => (kind, Some(device.to_owned())),
                None => (name.as_str(), None),
            };
            if KNOWN.contains(&kind) {
                Ok(vec![Candidate { kind: kind.to_owned(), device }])
            } else {
                Err(DecodeError::UnknownHardware { name: name.clone(), known: KNOWN.join(", ") })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_device_is_split_at_the_first_colon() {
        let found = candidates(&HardwareChoice::Named("vaapi:/dev/dri/by-path/pci-0000:00".into())).unwrap();
        assert_eq!(found, [Candidate { kind: "vaapi".into(), device: Some("/dev/dri/by-path/pci-0000:00".into()) }]);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = candidates(&HardwareChoice::Named("warp".into())).unwrap_err();
        assert!(error.to_string().contains("videotoolbox"), "{error}");
        assert_eq!(
            "foo:1".parse::<HardwareChoice>().unwrap_err().to_string(),
            error.to_string().replace("warp", "foo:1")
        );
        assert_eq!("cuda:1".parse(), Ok(HardwareChoice::Named("cuda:1".into())));
        assert_eq!("software".parse(), Ok(HardwareChoice::Never));
    }

    #[test]
    fn never_tries_nothing_and_auto_tries_something() {
        assert!(candidates(&HardwareChoice::Never).unwrap().is_empty());
        assert!(!candidates(&HardwareChoice::Auto).unwrap().is_empty());
    }
}
