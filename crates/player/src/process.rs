//! What this process has cost so far.

/// Processor seconds (user and system) of this process.
#[cfg(unix)]
pub(crate) fn cpu_seconds() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    #[allow(clippy::cast_precision_loss, reason = "seconds of a process")]
    let seconds = used.tv_sec as f64 + used.tv_nsec as f64 / 1e9;
    seconds
}

/// Not measured on this system.
#[cfg(not(unix))]
pub(crate) fn cpu_seconds() -> f64 {
    0.0
}

/// Largest resident memory so far in MiB; 0 where the system does not tell.
pub(crate) fn peak_rss_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().split(' ').next()?.parse::<f64>().ok())
        .map_or(0.0, |kib| kib / 1024.0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn both_figures_are_measured_here() {
        assert!(super::cpu_seconds() > 0.0);
        assert!(super::peak_rss_mib() > 0.5);
    }
}
