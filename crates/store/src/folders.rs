//! Where files of this program belong on each system.

use std::path::{Path, PathBuf};

use entente_model::{Problem, ProblemKind};
use etcetera::app_strategy::{AppStrategy, AppStrategyArgs, choose_native_strategy};

use crate::disk;

/// Variable with a folder that holds everything instead, for portable use and for tests.
pub const HOME_VARIABLE: &str = "ENTENTE_HOME";

/// The four folders of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// What the user chose: settings.
    pub config: PathBuf,
    /// What cannot be got again: choices, sealed secrets.
    pub data: PathBuf,
    /// What can be got again: catalogue, pictures.
    pub cache: PathBuf,
    /// What happened here: logs, reports.
    pub state: PathBuf,
}

impl Folders {
    /// All four below `root`. Nothing is made yet.
    #[must_use]
    pub fn under(root: &Path) -> Self {
        Self {
            config: root.join("config"),
            data: root.join("data"),
            cache: root.join("cache"),
            state: root.join("state"),
        }
    }

    /// Those of the user who runs this process: [`HOME_VARIABLE`] if it is set, else what the system says. For the edge
    /// of a program; everything else gets `Folders` handed in.
    ///
    /// # Errors
    /// The variable is not an absolute path, or the user has no home.
    pub fn of_user() -> Result<Self, Problem> {
        match std::env::var_os(HOME_VARIABLE).filter(|root| !root.is_empty()) {
            Some(root) => Self::of_variable(Path::new(&root)),
            None => Self::of_system(),
        }
    }

    fn of_variable(root: &Path) -> Result<Self, Problem> {
        if root.is_absolute() {
            return Ok(Self::under(root));
        }
        Err(Problem::new(
            ProblemKind::BadInput,
            format!("{HOME_VARIABLE} is not an absolute path."),
            format!("It says \"{}\", which means another folder wherever the program is started.", root.display()),
            "Set it to a path that begins at the root, or take it away.",
        ))
    }

    fn of_system() -> Result<Self, Problem> {
        let names = AppStrategyArgs { app_name: "Entente".to_owned(), ..AppStrategyArgs::default() };
        let dirs = choose_native_strategy(names).map_err(|error| {
            Problem::new(
                ProblemKind::Storage,
                "There is no folder for settings.",
                format!("The system does not say where the home of this user is: {error}."),
                format!("Set HOME, or {HOME_VARIABLE} to a folder for everything."),
            )
        })?;
        let data = dirs.data_dir();
        Ok(Self {
            config: dirs.config_dir(),
            cache: dirs.cache_dir(),
            // macOS and Windows know no such folder.
            state: dirs.state_dir().unwrap_or_else(|| data.join("state")),
            data,
        })
    }

    /// Makes those that are missing, for the user alone (0700 where the system knows modes).
    ///
    /// # Errors
    /// One cannot be made, or cannot be written in.
    pub fn create(&self) -> Result<(), Problem> {
        for folder in [&self.config, &self.data, &self.cache, &self.state] {
            disk::create_folder(folder).map_err(|error| disk::problem("A folder cannot be made.", folder, &error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_for_the_user_alone() {
        let root = tempfile::tempdir().unwrap();
        let folders = Folders::under(&root.path().join("deep/er"));
        folders.create().unwrap();
        folders.create().unwrap();
        for folder in [&folders.config, &folders.data, &folders.cache, &folders.state] {
            assert!(folder.is_dir());
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
            }
        }
    }

    #[test]
    fn a_file_in_the_way_is_said() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("config"), "x").unwrap();
        let problem = Folders::under(root.path()).create().unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Storage);
        assert!(problem.why.contains("config"), "{problem}");
        assert!(!problem.next_step.is_empty());
    }

    #[test]
    fn the_system_names_four_folders() {
        let folders = Folders::of_system().unwrap();
        let all = [&folders.config, &folders.data, &folders.cache, &folders.state];
        for (number, folder) in all.iter().enumerate() {
            let shown = folder.display().to_string().to_lowercase();
            assert!(folder.is_absolute() && shown.contains("entente"), "{shown}");
            assert!(!all[..number].contains(folder), "{shown} twice");
        }
    }

    #[test]
    fn the_variable_must_be_absolute() {
        assert_eq!(Folders::of_variable(Path::new("here")).unwrap_err().kind, ProblemKind::BadInput);
        let root = std::env::temp_dir();
        assert_eq!(Folders::of_variable(&root).unwrap(), Folders::under(&root));
    }
}
