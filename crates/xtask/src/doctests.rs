//! Which crates have documentation tests, so that the others need no slow, empty run.

use std::path::{Path, PathBuf};

use crate::shell;

/// Names of the packages in `crates/` with at least one example that runs.
pub(crate) fn packages() -> Vec<String> {
    let Ok(folders) = std::fs::read_dir(shell::root().join("crates")) else { return Vec::new() };
    let mut names: Vec<String> = folders
        .filter_map(Result::ok)
        .filter(|folder| folder.path().join("src/lib.rs").exists())
        .filter(|folder| {
            let mut files = Vec::new();
            rust_files(&folder.path().join("src"), &mut files);
            files.iter().filter_map(|path| std::fs::read_to_string(path).ok()).any(|text| has_example(&text))
        })
        .map(|folder| format!("entente-{}", folder.file_name().to_string_lossy()))
        .collect();
    names.sort();
    names
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// A fenced block in a doc comment that rustdoc would compile.
fn has_example(source: &str) -> bool {
    let mut inside = false;
    for line in source.lines() {
        let line = line.trim_start();
        let Some(doc) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else {
            inside = false;
            continue;
        };
        let Some(info) = doc.trim().strip_prefix("```") else { continue };
        if inside {
            inside = false;
            continue;
        }
        inside = true;
        let rust = |word: &str| matches!(word, "" | "rust" | "no_run" | "should_panic" | "compile_fail");
        if info.trim().split(',').all(|word| rust(word.trim())) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rust_examples_count() {
        assert!(has_example("/// ```\n/// assert!(true);\n/// ```\nfn f() {}"));
        assert!(has_example("//! ```rust,no_run\n//! ```"));
        assert!(!has_example("/// ```text\n/// a picture\n/// ```\nfn f() {}"));
        assert!(!has_example("/// ```ignore\n/// ```\n"));
        assert!(!has_example("let fence = \"```\"; // ```"));
    }
}
