//! Which packages of the system are needed, by system.

/// What building and playing need on Debian and its relatives.
pub(crate) const DEBIAN_BUILD: &[&str] = &[
    "libavcodec-dev",
    "libavformat-dev",
    "libavutil-dev",
    "libswscale-dev",
    "libswresample-dev",
    "clang",
    "libclang-dev",
    "pkg-config",
    "cmake",
    "nasm",
    "libasound2-dev",
    "libudev-dev",
    "libxkbcommon-dev",
    "libxkbcommon-x11-0",
    "libxcursor1",
    "libxi6",
    "libegl1",
    "libgl1-mesa-dri",
    "mesa-vulkan-drivers",
    "fonts-dejavu-core",
    "libwebkit2gtk-4.1-dev",
    "librsvg2-dev",
];

/// What the tests use besides; where one is missing, the tests that want it say so and are skipped.
pub(crate) const DEBIAN_TEST: &[&str] = &[
    "xvfb",
    "xauth",
    "xdotool",
    "openbox",
    "x11-utils",
    "imagemagick",
    "chromium",
    "chromium-driver",
    "ffmpeg",
    "gstreamer1.0-tools",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-plugins-ugly",
    "gstreamer1.0-nice",
    "gstreamer1.0-libav",
    "python3-gi",
    "gir1.2-gst-plugins-bad-1.0",
    "gir1.2-gst-plugins-base-1.0",
    "python3-venv",
    "dbus",
    "gnome-keyring",
    "webkit2gtk-driver",
    "rpm",
    "binutils",
];

/// Systems whose packages we know by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    Debian,
    Fedora,
    Arch,
    MacOs,
    Windows,
    Other,
}

impl System {
    /// From `/etc/os-release` on Linux (os-release(5): `ID`, then `ID_LIKE`).
    pub(crate) fn from_os_release(text: &str) -> Self {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().trim_matches(['"', '\'']).to_owned()
        };
        let names = format!("{} {}", value("ID"), value("ID_LIKE"));
        for name in names.split_whitespace() {
            match name {
                "debian" | "ubuntu" => return Self::Debian,
                "fedora" | "rhel" | "centos" => return Self::Fedora,
                "arch" => return Self::Arch,
                _ => {}
            }
        }
        Self::Other
    }

    /// This machine.
    pub(crate) fn here() -> Self {
        if cfg!(target_os = "macos") {
            Self::MacOs
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::from_os_release(&std::fs::read_to_string("/etc/os-release").unwrap_or_default())
        }
    }

    /// What to type, or do, on a system where we install nothing ourselves.
    pub(crate) const fn instructions(self) -> &'static str {
        match self {
            Self::Debian => "Run: cargo xtask setup",
            Self::Fedora => {
                "Run (RPM Fusion has an FFmpeg with all codecs; Fedora's own ffmpeg-free-devel builds too):\n  \
                 sudo dnf install ffmpeg-free-devel clang clang-devel pkgconf-pkg-config cmake nasm alsa-lib-devel \
                 systemd-devel libxkbcommon-devel libxkbcommon-x11 libXcursor libXi mesa-libEGL mesa-dri-drivers \
                 mesa-vulkan-drivers dejavu-sans-fonts"
            }
            Self::Arch => {
                "Run:\n  \
                 sudo pacman -S --needed ffmpeg clang pkgconf cmake nasm alsa-lib systemd-libs libxkbcommon \
                 libxkbcommon-x11 libxcursor libxi mesa vulkan-swrast ttf-dejavu base-devel"
            }
            Self::MacOs => {
                "Install the command line tools and Homebrew (https://brew.sh), then run:\n  \
                 xcode-select --install\n  \
                 brew install ffmpeg pkgconf cmake nasm"
            }
            Self::Windows => {
                "Install, in this order:\n  \
                 1. Visual Studio Build Tools with \"Desktop development with C++\"\n  \
                 2. winget install LLVM.LLVM Kitware.CMake NASM.NASM\n  \
                 3. A shared FFmpeg build with headers (the \"release full shared\" archive linked from\n     \
                 https://ffmpeg.org/download.html#build-windows), unpacked to a folder of its own\n  \
                 4. setx FFMPEG_DIR C:\\that\\folder   (it contains bin, include and lib)\n  \
                 5. setx LIBCLANG_PATH \"C:\\Program Files\\LLVM\\bin\"\n  \
                 6. Add C:\\that\\folder\\bin to PATH and open a new terminal"
            }
            Self::Other => {
                "Install with your package manager: the FFmpeg libraries with headers (libavcodec, libavformat, \
                 libavutil, libswscale, libswresample; 4.0 or newer), clang with libclang, pkg-config, cmake, nasm, \
                 and the headers of ALSA, libudev and libxkbcommon."
            }
        }
    }
}

/// The packages of `wanted` that `dpkg-query -W -f='${Package} ${Status}\n'` does not list as installed.
pub(crate) fn missing<'a>(wanted: &[&'a str], dpkg_output: &str) -> Vec<&'a str> {
    let installed: Vec<&str> = dpkg_output
        .lines()
        .filter_map(|line| line.split_once(' '))
        // deb-query(1): wanted state, error flag, state.
        .filter(|(_, status)| status.ends_with("ok installed"))
        .map(|(name, _)| name)
        .collect();
    wanted.iter().copied().filter(|name| !installed.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_told_apart() {
        let of = System::from_os_release;
        assert_eq!(of("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n"), System::Debian);
        assert_eq!(of("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), System::Debian);
        assert_eq!(of("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), System::Fedora);
        assert_eq!(of("ID=endeavouros\nID_LIKE=arch\n"), System::Arch);
        assert_eq!(of("VERSION_ID=debian\nID=nixos\n"), System::Other);
        assert_eq!(of(""), System::Other);
    }

    #[test]
    fn only_installed_packages_count() {
        let listed = "cmake install ok installed\nnasm deinstall ok config-files\nclang install ok half-configured\n\
                      libudev-dev hold ok installed\n";
        let wanted = ["cmake", "nasm", "clang", "libudev-dev", "xvfb"];
        assert_eq!(missing(&wanted, listed), ["nasm", "clang", "xvfb"]);
        assert_eq!(missing(&wanted, ""), wanted);
    }

    #[test]
    fn the_lists_are_package_names_without_repeats() {
        let all: Vec<&str> = DEBIAN_BUILD.iter().chain(DEBIAN_TEST).copied().collect();
        for (index, name) in all.iter().enumerate() {
            // Debian policy, section 5.6.1.
            assert!(name.len() >= 2 && !name.starts_with(['+', '-', '.']), "{name}");
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c)), "{name}");
            assert!(!all[..index].contains(name), "{name} twice");
        }
    }

    #[test]
    fn every_system_is_told_about_ffmpeg_or_the_setup() {
        for system in [System::Debian, System::Fedora, System::Arch, System::MacOs, System::Windows, System::Other] {
            let text = system.instructions().to_lowercase();
            assert!(text.contains("ffmpeg") || text.contains("cargo xtask setup"), "{system:?}");
        }
    }
}
