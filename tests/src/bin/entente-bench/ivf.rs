//! Reads what the player wrote with `--record`.

use std::path::Path;

/// One frame of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Arrival of its last packet, microseconds of the monotonic clock.
    pub(crate) micros: u64,
    pub(crate) data: Vec<u8>,
}

/// Frames of an IVF file.
///
/// # Errors
/// When it cannot be read or is none.
pub(crate) fn read(path: &Path) -> Result<Vec<Frame>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&bytes).ok_or_else(|| format!("{} is no IVF file", path.display()))
}

/// The last frame may be cut short; it is left out then.
fn parse(bytes: &[u8]) -> Option<Vec<Frame>> {
    if !bytes.starts_with(b"DKIF") {
        return None;
    }
    let mut rest = bytes.get(usize::from(u16::from_le_bytes(bytes.get(6..8)?.try_into().ok()?))..)?;
    let mut frames = Vec::new();
    while let Some((size, after)) = rest.split_first_chunk::<4>() {
        let Some((stamp, after)) = after.split_first_chunk::<8>() else { break };
        let Some((data, after)) = after.split_at_checked(u32::from_le_bytes(*size) as usize) else { break };
        frames.push(Frame { micros: u64::from_le_bytes(*stamp), data: data.to_vec() });
        rest = after;
    }
    Some(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_and_a_cut_one_does_not() {
        let mut file = b"DKIF\0\0\x20\0H264".to_vec();
        file.resize(32, 0);
        for (micros, data) in [(5_u64, &b"abc"[..]), (1 << 40, &b"z"[..])] {
            file.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
            file.extend(micros.to_le_bytes());
            file.extend(data);
        }
        let whole = parse(&file).unwrap();
        assert_eq!(
            whole.iter().map(|frame| (frame.micros, frame.data.len())).collect::<Vec<_>>(),
            [(5, 3), (1 << 40, 1)]
        );
        file.pop();
        assert_eq!(parse(&file).unwrap().len(), 1);
        assert_eq!(parse(b"DKIX"), None);
    }
}
