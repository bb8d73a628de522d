//! Raised priority for the link thread.

/// Nice value that is asked for; more would compete with the audio server.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NICE: i32 = -10;

/// Asks for raised priority of the calling thread and goes on without it.
///
/// Linux: the nice value of this thread, which needs `CAP_SYS_NICE` or a nice limit (`ulimit -e`). Elsewhere the
/// thread keeps the priority it has.
pub(crate) fn raise() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    match rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE) {
        Ok(()) => tracing::debug!(nice = NICE, "link thread priority raised"),
        Err(error) => tracing::debug!(%error, "link thread keeps normal priority"),
    }
}
