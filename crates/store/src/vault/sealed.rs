//! The sealed file: a header in clear, and a map of secrets that only the key opens.
//!
//! ```text
//! 0   8  "ENTVAULT"
//! 8   1  format, 1
//! 9   1  who has the key: 1 = the keyring, 2 = derived from a passphrase
//! 10 12  argon2id: memory in KiB, passes, lanes (u32, little endian); zero for a keyring
//! 22 16  argon2id: salt; zero for a keyring
//! 38 16  SHA-256 of a label and the key, cut: tells a wrong key from a damaged file
//! 54  8  SHA-256 of all before, cut: tells a damaged header from a wrong key
//! 62 24  nonce of XChaCha20-Poly1305, new for each writing
//! 86     sealed JSON object (name -> secret); the header is its associated data
//! ```

use std::collections::BTreeMap;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const MAGIC: &[u8; 8] = b"ENTVAULT";
const FORMAT: u8 = 1;
const BY_KEYRING: u8 = 1;
const BY_PASSPHRASE: u8 = 2;
pub(crate) const HEADER: usize = 62;
const NONCE: usize = 24;
const SALT: usize = 16;
const CHECK: usize = 16;
const SUM: usize = 8;
pub(crate) const KEY: usize = 32;
const CHECK_LABEL: &[u8] = b"entente vault, check of the key\0";

/// Limits for what a file may ask of this machine: 1 GiB, 64 passes, 16 lanes.
const MOST: Cost = Cost { memory_kib: 1024 * 1024, passes: 64, lanes: 16 };

/// A key. Wiped when dropped.
pub(crate) type SealKey = Zeroizing<[u8; KEY]>;

/// Name -> secret, wiped when dropped.
pub(crate) type Secrets = BTreeMap<String, Zeroizing<String>>;

/// What argon2id costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl Cost {
    /// RFC 9106, section 4, second recommended option (64 MiB, 3 passes), with one lane because the crate computes
    /// lanes one after the other.
    pub(crate) const USUAL: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 };

    const fn bearable(self) -> bool {
        self.memory_kib <= MOST.memory_kib && self.passes <= MOST.passes && self.lanes <= MOST.lanes
    }
}

/// Who has the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyOf {
    Keyring,
    Passphrase { cost: Cost, salt: [u8; SALT] },
}

/// What is in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) key_of: KeyOf,
    check: [u8; CHECK],
}

/// Why a file is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealError {
    #[error("the file was written by a newer version (format {0})")]
    Newer(u8),
    #[error("the file is damaged")]
    Damaged,
    #[error("the system has no randomness, or no memory")]
    System,
}

impl Header {
    pub(crate) fn new(key_of: KeyOf, key: &SealKey) -> Self {
        Self { key_of, check: check_of(key) }
    }

    /// Whether `key` is the one that the file was sealed with.
    pub(crate) fn is_for(&self, key: &SealKey) -> bool {
        self.check == check_of(key)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        let mut rest = bytes;
        if take::<8>(&mut rest)? != *MAGIC {
            return Err(SealError::Damaged);
        }
        let [format, key_of] = take::<2>(&mut rest)?;
        if format > FORMAT {
            return Err(SealError::Newer(format));
        }
        let cost = Cost {
            memory_kib: u32::from_le_bytes(take(&mut rest)?),
            passes: u32::from_le_bytes(take(&mut rest)?),
            lanes: u32::from_le_bytes(take(&mut rest)?),
        };
        let salt = take::<SALT>(&mut rest)?;
        let check = take::<CHECK>(&mut rest)?;
        let sum = take::<SUM>(&mut rest)?;
        let summed = bytes.get(..HEADER - SUM).ok_or(SealError::Damaged)?;
        if format != FORMAT || sum != sum_of(summed) {
            return Err(SealError::Damaged);
        }
        let key_of = match key_of {
            BY_KEYRING => KeyOf::Keyring,
            BY_PASSPHRASE if cost.bearable() => KeyOf::Passphrase { cost, salt },
            _ => return Err(SealError::Damaged),
        };
        Ok(Self { key_of, check })
    }

    fn to_bytes(self) -> Vec<u8> {
        let (tag, cost, salt) = match self.key_of {
            KeyOf::Keyring => (BY_KEYRING, Cost { memory_kib: 0, passes: 0, lanes: 0 }, [0; SALT]),
            KeyOf::Passphrase { cost, salt } => (BY_PASSPHRASE, cost, salt),
        };
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[FORMAT, tag]);
        for number in [cost.memory_kib, cost.passes, cost.lanes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&salt);
        bytes.extend_from_slice(&self.check);
        let sum = sum_of(&bytes);
        bytes.extend_from_slice(&sum);
        bytes
    }

    /// The whole file.
    pub(crate) fn seal(&self, key: &SealKey, secrets: &Secrets) -> Result<Vec<u8>, SealError> {
        let plain: BTreeMap<&str, &str> =
            secrets.iter().map(|(name, secret)| (name.as_str(), secret.as_str())).collect();
        // Room for the worst case of escaping, so that the buffer never moves and leaves copies behind.
        let room: usize = plain.iter().map(|(name, secret)| 6 * (name.len() + secret.len()) + 8).sum();
        let mut text = Zeroizing::new(Vec::with_capacity(room + 2));
        serde_json::to_writer(&mut *text, &plain).map_err(|_| SealError::System)?;
        let nonce: [u8; NONCE] = random()?;
        let mut file = self.to_bytes();
        let sealed = cipher(key)
            .encrypt(&XNonce::from(nonce), Payload { msg: &text, aad: &file })
            .map_err(|_| SealError::System)?;
        file.extend_from_slice(&nonce);
        file.extend_from_slice(&sealed);
        Ok(file)
    }
}

/// The secrets of a whole file whose header was parsed.
pub(crate) fn open(file: &[u8], key: &SealKey) -> Result<Secrets, SealError> {
    let (header, mut rest) = file.split_at_checked(HEADER).ok_or(SealError::Damaged)?;
    let nonce = take::<NONCE>(&mut rest)?;
    let text = cipher(key)
        .decrypt(&XNonce::from(nonce), Payload { msg: rest, aad: header })
        .map(Zeroizing::new)
        .map_err(|_| SealError::Damaged)?;
    let plain: BTreeMap<String, String> = serde_json::from_slice(&text).map_err(|_| SealError::Damaged)?;
    Ok(plain.into_iter().map(|(name, secret)| (name, Zeroizing::new(secret))).collect())
}

/// A key that nobody can guess.
pub(crate) fn new_key() -> Result<SealKey, SealError> {
    random().map(Zeroizing::new)
}

pub(crate) fn new_salt() -> Result<[u8; SALT], SealError> {
    random()
}

/// The key of a passphrase. Takes long on purpose.
pub(crate) fn derive(passphrase: &str, cost: Cost, salt: &[u8; SALT]) -> Result<SealKey, SealError> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(KEY)).map_err(|_| SealError::Damaged)?;
    let mut key = SealKey::default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
        .map_err(|_| SealError::System)?;
    Ok(key)
}

fn cipher(key: &SealKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(**key))
}

fn check_of(key: &SealKey) -> [u8; CHECK] {
    cut(&Sha256::new().chain_update(CHECK_LABEL).chain_update(key.as_slice()).finalize())
}

fn sum_of(bytes: &[u8]) -> [u8; SUM] {
    cut(&Sha256::digest(bytes))
}

fn cut<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], SealError> {
    let (head, tail) = rest.split_first_chunk().ok_or(SealError::Damaged)?;
    *rest = tail;
    Ok(*head)
}

fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| SealError::System)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };

    fn secrets() -> Secrets {
        [("demo/refresh", "tok\"en\n"), ("demo/pair", "ü")]
            .map(|(name, secret)| (name.to_owned(), Zeroizing::new(secret.to_owned())))
            .into()
    }

    fn sealed() -> (SealKey, Vec<u8>) {
        let key = new_key().unwrap();
        let file = Header::new(KeyOf::Keyring, &key).seal(&key, &secrets()).unwrap();
        (key, file)
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_only() {
        let (key, file) = sealed();
        let header = Header::parse(&file).unwrap();
        assert!(header.is_for(&key));
        assert_eq!(open(&file, &key).unwrap(), secrets());
        let other = new_key().unwrap();
        assert!(!header.is_for(&other));
        assert_eq!(open(&file, &other), Err(SealError::Damaged));
    }

    #[test]
    fn no_two_files_are_alike_and_none_shows_a_secret() {
        let key = new_key().unwrap();
        let header = Header::new(KeyOf::Keyring, &key);
        let (one, two) = (header.seal(&key, &secrets()).unwrap(), header.seal(&key, &secrets()).unwrap());
        assert_ne!(one[HEADER..], two[HEADER..]);
        assert!(!one.windows(7).any(|part| part == b"refresh"));
    }

    #[test]
    fn a_passphrase_gives_the_same_key_with_the_same_salt_only() {
        let salt = new_salt().unwrap();
        let key = derive("open sesame", CHEAP, &salt).unwrap();
        assert_eq!(key, derive("open sesame", CHEAP, &salt).unwrap());
        assert_ne!(key, derive("open sesame", CHEAP, &new_salt().unwrap()).unwrap());
        assert_ne!(key, derive("open sesamE", CHEAP, &salt).unwrap());
        let header = Header::new(KeyOf::Passphrase { cost: CHEAP, salt }, &key);
        assert_eq!(Header::parse(&header.seal(&key, &secrets()).unwrap()).unwrap(), header);
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let (_, mut file) = sealed();
        file[8] = FORMAT + 1;
        assert_eq!(Header::parse(&file), Err(SealError::Newer(FORMAT + 1)));
        file[0] ^= 1;
        assert_eq!(Header::parse(&file), Err(SealError::Damaged));
    }

    #[test]
    fn a_file_may_not_ask_for_all_memory() {
        let key = new_key().unwrap();
        let cost = Cost { memory_kib: u32::MAX, ..CHEAP };
        let header = Header::new(KeyOf::Passphrase { cost, salt: [0; SALT] }, &key);
        assert_eq!(Header::parse(&header.to_bytes()), Err(SealError::Damaged));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), start in 0..3usize) {
            let key = SealKey::default();
            // A third begins like a real file, to get past the first check.
            let mut file = if start == 0 { Vec::new() } else { MAGIC.to_vec() };
            if start == 2 { file.push(FORMAT) }
            file.extend(bytes);
            let _ = Header::parse(&file);
            prop_assert!(open(&file, &key).is_err());
        }

        #[test]
        fn every_flipped_bit_is_noticed(at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let (key, mut file) = sealed();
            let at = at.index(file.len());
            file[at] ^= 1 << bit;
            let whole = Header::parse(&file).is_ok_and(|header| header.is_for(&key)) && open(&file, &key).is_ok();
            prop_assert!(!whole, "byte {at}");
            if (HEADER - SUM - CHECK..HEADER).contains(&at) {
                prop_assert_eq!(Header::parse(&file), Err(SealError::Damaged));
            }
        }

        #[test]
        fn any_secrets_come_back(map in prop::collection::btree_map(".{0,20}", ".{0,60}", 0..8)) {
            let key = new_key().unwrap();
            let map: Secrets = map.into_iter().map(|(name, secret)| (name, Zeroizing::new(secret))).collect();
            let file = Header::new(KeyOf::Keyring, &key).seal(&key, &map).unwrap();
            prop_assert_eq!(open(&file, &key).unwrap(), map);
        }
    }
}
