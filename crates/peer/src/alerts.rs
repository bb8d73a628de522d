//! DTLS alerts that say why a handshake failed. `rtc` acts on them and keeps them to itself.

/// Content type of an alert (RFC 5246 section 6.2.1).
const ALERT: u8 = 21;
const FATAL: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;
const UNEXPECTED_MESSAGE: u8 = 10;
const DECODE_ERROR: u8 = 50;

/// The description of an alert that ends a handshake, in a datagram of either direction. Before keys are agreed on
/// alerts are in the clear (RFC 6347 section 4.1).
pub fn ending_alert(mut datagram: &[u8]) -> Option<u8> {
    // Content type, version, epoch, 48 bits of sequence number, length (RFC 6347 section 4.1).
    while let Some(([kind, _, _, epoch @ .., _, _, _, _, _, _, high, low], rest)) = datagram.split_first_chunk::<13>() {
        let epoch: [u8; 2] = *epoch;
        let (payload, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
        if let (&ALERT, [0, 0], [level, description]) = (kind, epoch, payload)
            && (*level == FATAL || *description == CLOSE_NOTIFY)
        {
            return Some(*description);
        }
        datagram = rest;
    }
    None
}

/// Whether an alert of ours only says that a datagram made no sense. Anybody can send such a datagram, so it does not end
/// a handshake that may still succeed.
pub(crate) const fn is_about_garbage(description: u8) -> bool {
    matches!(description, UNEXPECTED_MESSAGE | DECODE_ERROR)
}

/// Names of RFC 5246 section 7.2 for what hosts and certificates do wrong.
pub(crate) fn in_words(description: u8) -> String {
    match description {
        CLOSE_NOTIFY => "it closed the connection".to_owned(),
        40 | 71 => "no cipher in common".to_owned(),
        41..=46 => "the certificate does not fit its fingerprint".to_owned(),
        47 => "a value out of range".to_owned(),
        48 | 49 => "the certificate is not accepted".to_owned(),
        51 => "a signature is wrong".to_owned(),
        70 => "no DTLS version in common".to_owned(),
        80 => "an internal error".to_owned(),
        other => format!("alert {other}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(kind: u8, epoch: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind, 254, 253, 0, epoch, 0, 0, 0, 0, 0, 1, 0, u8::try_from(payload.len()).unwrap()];
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn alerts_are_found_behind_other_records() {
        let hello = record(22, 0, &[1; 40]);
        assert_eq!(ending_alert(&hello), None);
        assert_eq!(ending_alert(&[&hello[..], &record(21, 0, &[2, 42])].concat()), Some(42));
        assert_eq!(ending_alert(&record(21, 0, &[1, 0])), Some(0), "a warning that the other side closes");
        assert_eq!(ending_alert(&record(21, 0, &[1, 90])), None, "another warning");
        assert_eq!(ending_alert(&record(21, 1, &[2, 42])), None, "encrypted, so these are not its bytes");
        assert_eq!(ending_alert(&record(21, 0, &[2, 42])[..14]), None);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ending_alert(&bytes);
        }
    }
}
