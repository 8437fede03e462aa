//! Real files, where they are: read, written, read again, and the same.

use std::path::{Path, PathBuf};

use resident_agent_file::{Form, Limits, read, write};

use crate::ALL;

/// The folder of real files. They belong to others and are no part of the sources.
fn folder() -> PathBuf {
    let shared = std::env::var_os("RESIDENT_SHARED_DATA").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    shared.join("data/agent-files")
}

#[test]
fn real_files_mean_the_same_after_a_journey() {
    for (name, form, (agents, blocks, tools)) in [
        ("memgpt_agent.af", Form::DoubleEncoded, (1, 2, 3)),
        ("memgpt_agent_with_convo.af", Form::Current, (1, 2, 3)),
        ("outreach_workflow_agent.af", Form::DoubleEncoded, (1, 0, 4)),
        ("deep_research_agent.af", Form::Current, (1, 4, 5)),
        ("evie.af", Form::Current, (2, 13, 17)),
    ] {
        let path = folder().join(name);
        let Ok(bytes) = std::fs::read(&path) else {
            println!("skipped: {} is not here", path.display());
            continue;
        };
        let first = read(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let file = &first.file;
        assert_eq!(first.form, form, "{name}");
        assert_eq!((file.agents.len(), file.blocks.len(), file.tools.len()), (agents, blocks, tools), "{name}");
        let second = read(&write(file, &ALL), &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(second.file.canonical(), file.canonical(), "{name}");
    }
}
