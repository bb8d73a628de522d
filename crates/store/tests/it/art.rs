//! Pictures of titles.

use entente_model::ProblemKind;
use entente_model::catalogue::Art;
use entente_store::library::{ArtCache, LARGEST_PICTURE, Mime};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn art(url: &str, version: &str) -> Art {
    Art { url: url.to_owned(), version: version.to_owned() }
}

fn png(len: usize) -> Vec<u8> {
    let mut bytes = PNG.to_vec();
    bytes.resize(len, 7);
    bytes
}

#[test]
fn pictures_are_found_by_address_and_version() {
    let root = tempfile::tempdir().unwrap();
    let cache = ArtCache::open(root.path().join("art"), 16).unwrap();
    assert_eq!(cache.get(&art("u", "1"), 1).unwrap(), None);
    assert_eq!(cache.put(&art("u", "1"), &png(100), 1).unwrap(), Mime::Png);
    assert_eq!(cache.put(&art("u", "2"), b"\xff\xd8\xff\xe0", 1).unwrap(), Mime::Jpeg);
    assert_eq!(cache.put(&art("w", "1"), b"RIFF\0\0\0\0WEBPVP8 ", 1).unwrap().name(), "image/webp");
    let cache = ArtCache::open(root.path().join("art"), 16).unwrap();
    let picture = cache.get(&art("u", "1"), 2).unwrap().unwrap();
    assert_eq!((picture.bytes, picture.mime), (png(100), Mime::Png));
    assert_eq!(cache.get(&art("u", "2"), 2).unwrap().unwrap().mime, Mime::Jpeg);
    assert_eq!(cache.get(&art("u1", ""), 2).unwrap(), None, "address and version are not run together");
    assert_eq!(cache.size(), 100 + 4 + 16);
    // The same again counts once.
    cache.put(&art("u", "1"), &png(50), 3).unwrap();
    assert_eq!(cache.size(), 50 + 4 + 16);
}

#[test]
fn what_is_no_picture_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let cache = ArtCache::open(root.path().join("art"), 16).unwrap();
    for bytes in [b"<svg onload=...>".to_vec(), Vec::new(), b"RIFF\0\0\0\0WAVE".to_vec(), png(LARGEST_PICTURE + 1)] {
        assert_eq!(cache.put(&art("u", "1"), &bytes, 1).unwrap_err().kind, ProblemKind::BadAnswer);
    }
    assert_eq!(cache.get(&art("u", "1"), 1).unwrap(), None);
    assert!(cache.put(&art("u", "1"), &png(LARGEST_PICTURE), 1).is_ok());
}

#[test]
fn the_one_that_was_not_used_for_longest_goes_first() {
    let root = tempfile::tempdir().unwrap();
    let cache = ArtCache::open(root.path().join("art"), 1).unwrap();
    let quarter = 250_000;
    for (name, now) in [("a", 1000), ("b", 2000), ("c", 3000), ("d", 4000)] {
        cache.put(&art(name, ""), &png(quarter), now).unwrap();
    }
    cache.get(&art("a", ""), 5000).unwrap().unwrap();
    cache.put(&art("e", ""), &png(quarter), 6000).unwrap();
    let here = |name: &str| cache.get(&art(name, ""), 7000).unwrap().is_some();
    assert_eq!(["a", "b", "c", "d", "e"].map(here), [true, false, false, true, true], "down to nine tenths");
    assert!(cache.size() <= 1024 * 1024);
    cache.set_limit(0).unwrap();
    assert_eq!(cache.size(), 0);
}

#[test]
fn a_damaged_picture_is_got_again() {
    let root = tempfile::tempdir().unwrap();
    let cache = ArtCache::open(root.path().join("art"), 16).unwrap();
    cache.put(&art("u", "1"), &png(100), 1).unwrap();
    let path = std::fs::read_dir(root.path().join("art")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&path, "").unwrap();
    assert_eq!(cache.get(&art("u", "1"), 2).unwrap(), None);
    assert!(!path.exists());
}
