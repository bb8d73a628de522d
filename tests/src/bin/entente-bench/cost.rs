//! Processor time of a program with all its children, from /proc.

use std::collections::BTreeMap;

/// Milliseconds of processor time that `root` and its descendants have used so far, children that ended included.
///
/// # Errors
/// Where there is no /proc, or the program is gone.
pub(crate) fn of(root: u32) -> Result<f64, String> {
    spent(root, true)
}

/// As [`of`], without `root` itself.
///
/// # Errors
/// As [`of`].
pub(crate) fn below(root: u32) -> Result<f64, String> {
    spent(root, false)
}

fn spent(root: u32, itself: bool) -> Result<f64, String> {
    let mut processes = BTreeMap::new();
    let entries = std::fs::read_dir("/proc").map_err(|error| format!("no /proc: {error}"))?;
    for entry in entries.filter_map(Result::ok) {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process may end between the listing and the reading.
        let Ok(text) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        if let Some(process) = Process::parse(&text) {
            processes.insert(id, process);
        }
    }
    if !processes.contains_key(&root) {
        return Err(format!("process {root} is gone"));
    }
    let counts = |id: u32| descends(&processes, id, root) && (itself || id != root);
    let ticks: u64 = processes.iter().filter(|(id, _)| counts(**id)).map(|(_, process)| process.ticks).sum();
    #[allow(clippy::cast_precision_loss, reason = "ticks of a run")]
    let ms = ticks as f64 * 1000.0 / rustix::param::clock_ticks_per_second() as f64;
    Ok(ms)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    parent: u32,
    ticks: u64,
}

impl Process {
    /// proc_pid_stat(5): fields 4 (parent) and 14 to 17 (user, system, and those of children that were waited for).
    fn parse(text: &str) -> Option<Self> {
        // The name in parentheses may hold anything.
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let ticks = (14..=17).map(number).sum::<Option<u64>>()?;
        Some(Self { parent: u32::try_from(number(4)?).ok()?, ticks })
    }
}

fn descends(processes: &BTreeMap<u32, Process>, mut id: u32, root: u32) -> bool {
    // The table is no snapshot, so a ring of parents is thinkable; depth is bounded instead.
    for _ in 0..64 {
        if id == root {
            return true;
        }
        let Some(process) = processes.get(&id) else { return false };
        id = process.parent;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let text = "42 (a) b) (c) S 7 42 42 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 5 6 7";
        assert_eq!(Process::parse(text), Some(Process { parent: 7, ticks: 100 }));
        assert_eq!(Process::parse("42 (x"), None);
    }

    #[test]
    fn children_count_and_strangers_do_not() {
        let process = |parent| Process { parent, ticks: 1 };
        let table =
            BTreeMap::from([(1, process(0)), (10, process(1)), (11, process(10)), (12, process(11)), (20, process(1))]);
        assert!(descends(&table, 12, 10) && descends(&table, 10, 10));
        assert!(!descends(&table, 20, 10) && !descends(&table, 1, 10));
    }

    #[test]
    fn this_process_has_cost_something() {
        assert!(of(std::process::id()).is_ok());
        assert!(of(u32::MAX).is_err());
    }
}
