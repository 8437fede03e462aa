//! Licences of the parts that Resident is made of: the models of the manifest, and the crates and packages of the list
//! that `cargo xtask licences` writes.

use resident_library::Manifest;

use crate::api::LicenceView;

/// Written by `cargo xtask licences`.
const PARTS: &str = include_str!("../licences.json");

/// Models first, then parts by name.
pub(crate) fn all(manifest: &Manifest) -> Vec<LicenceView> {
    let models = manifest.models.iter().map(|entry| LicenceView {
        name: entry.name.clone(),
        version: entry.hub.as_ref().map(|hub| hub.revision.clone()).unwrap_or_default(),
        licence: entry.licence.clone(),
        source: entry.source.clone(),
    });
    let parts: Vec<LicenceView> = serde_json::from_str(PARTS).unwrap_or_default();
    models.chain(parts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_parts_can_be_read_and_names_a_licence_for_each() {
        let parts: Vec<LicenceView> = serde_json::from_str(PARTS).expect("the list is JSON");
        assert!(parts.iter().all(|part| !part.licence.is_empty()));
    }
}
