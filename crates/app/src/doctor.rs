//! The check-up: this computer, the secrets, each service, the player; one sentence each, and what to do.

use std::sync::Arc;

use entente_model::{Problem, ProblemKind, Provider};
use entente_store::vault::Kept;

use crate::view::{Check, CheckState};
use crate::{App, AppEvent};

/// A round trip above this is told, milliseconds.
const FAR_MILLIS: f64 = 80.0;

impl App {
    /// Looks at everything; each check is told as it is done, and all are given at the end.
    pub async fn doctor(&self) -> Vec<Check> {
        let mut all = Vec::new();
        let mut found = |app: &Self, check: Check| {
            app.tell(AppEvent::Check { check: check.clone() });
            all.push(check);
        };
        found(self, self.check_player().await);
        found(self, self.check_secrets());
        found(self, self.check_files().await);
        let providers = self.inner.parts.providers.clone();
        for provider in providers {
            found(self, self.check_service(&provider).await);
        }
        all
    }

    async fn check_player(&self) -> Check {
        match self.inner.parts.player.about().await {
            Ok(version) => good("player", "Player", format!("{version} answers.")),
            Err(problem) => bad("player", "Player", &problem),
        }
    }

    fn check_secrets(&self) -> Check {
        let status = self.inner.parts.vault.status();
        match status.kept {
            Kept::Keyring | Kept::Passphrase => good("keyring", "Keyring", status.why),
            Kept::Memory => Check {
                next_step: Some("Unlock the keyring of this system, or choose a passphrase.".to_owned()),
                ..told("keyring", "Keyring", CheckState::Warning, status.why)
            },
            Kept::Locked => Check {
                next_step: Some("Unlock the keyring of this system, or choose a passphrase.".to_owned()),
                ..told("keyring", "Keyring", CheckState::Bad, status.why)
            },
        }
    }

    /// Whether what is kept can be written: by writing.
    async fn check_files(&self) -> Check {
        let folder = self.inner.parts.reports.clone();
        let written = crate::blocking(move || {
            let probe = folder.join("probe");
            let tried = std::fs::write(&probe, b"probe").and_then(|()| std::fs::remove_file(&probe));
            tried.map_err(|error| {
                Problem::new(
                    ProblemKind::Storage,
                    "Files cannot be written.",
                    format!("{}: {error}.", folder.display()),
                    "Make room on the disk, or set its rights.",
                )
            })
        });
        match written.await {
            Ok(()) => good("files", "Files", "Settings and reports can be kept.".to_owned()),
            Err(problem) => bad("files", "Files", &problem),
        }
    }

    async fn check_service(&self, provider: &Arc<dyn Provider>) -> Check {
        let info = provider.info();
        let id = info.id.0;
        let regions = match provider.regions().await {
            Ok(regions) => regions,
            Err(problem) if problem.kind == ProblemKind::SignedOut => {
                return Check {
                    next_step: Some(problem.next_step),
                    ..told(&id, &info.name, CheckState::Skipped, "Nobody is signed in there.".to_owned())
                };
            }
            Err(problem) => return bad(&id, &info.name, &problem),
        };
        let mut nearest: Option<(f64, String)> = None;
        for region in &regions {
            if let Ok(ping) = provider.ping(region).await {
                let millis = ping.as_secs_f64() * 1000.0;
                if nearest.as_ref().is_none_or(|(best, _)| millis < *best) {
                    nearest = Some((millis, region.name.clone()));
                }
            }
        }
        match nearest {
            Some((millis, region)) if millis <= FAR_MILLIS => {
                good(&id, &info.name, format!("{millis:.0} ms to {region}."))
            }
            Some((millis, region)) => Check {
                next_step: Some("Use a cable, and see whether something else fills the line.".to_owned()),
                ..told(&id, &info.name, CheckState::Warning, format!("{millis:.0} ms to {region}, which is far."))
            },
            None => good(&id, &info.name, "It answers.".to_owned()),
        }
    }
}

fn told(id: &str, name: &str, state: CheckState, found: String) -> Check {
    Check { id: id.to_owned(), name: name.to_owned(), state, found, next_step: None }
}

fn good(id: &str, name: &str, found: String) -> Check {
    told(id, name, CheckState::Good, found)
}

fn bad(id: &str, name: &str, problem: &Problem) -> Check {
    let found = format!("{} {}", problem.what, problem.why);
    Check { next_step: Some(problem.next_step.clone()), ..told(id, name, CheckState::Bad, found.trim().to_owned()) }
}
