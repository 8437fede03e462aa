//! The token of a profile, for whoever serves it: the command and the window serve with the same one, so that a client
//! that was set up once goes on.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::ServerError;

/// The file of the profile that keeps its token.
const FILE: &str = "server-token";

/// The token of the profile in this folder, made at its first use. Only its owner can read the file.
///
/// # Errors
/// When a new token cannot be kept.
pub fn profile_token(folder: &Path) -> Result<String, ServerError> {
    let path = folder.join(FILE);
    if let Ok(token) = fs::read_to_string(&path)
        && !token.trim().is_empty()
    {
        return Ok(token.trim().to_owned());
    }
    let token = resident_app::new_token();
    let unkept = |source| ServerError::Token { path: path.clone(), source };
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).map_err(unkept)?;
    file.write_all(token.as_bytes()).and_then(|()| file.sync_all()).map_err(unkept)?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_one_token_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let token = profile_token(folder.path()).unwrap();
        assert!(token.len() >= 32, "{token}");
        assert_eq!(profile_token(folder.path()).unwrap(), token);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn an_empty_file_is_no_token() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "\n").unwrap();
        assert!(!profile_token(folder.path()).unwrap().is_empty());
    }

    #[test]
    fn a_token_that_cannot_be_kept_names_its_file() {
        let error = profile_token(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(error.to_string().contains("server-token"), "{error}");
    }
}
