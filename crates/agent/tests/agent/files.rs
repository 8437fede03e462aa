//! Folders: what stands of them in the prompt, and the tools for their files.

use resident_agent::{ContextPartKind, DIRECTORIES, context, system_text};
use resident_memory::files::{NewFile, add};
use resident_store::{AgentType, ArchiveId, Folder, FolderId, Provenance, ToolStatus};
use serde_json::{Value, json};

use crate::scripted::{House, calls, menu, says};

/// A house whose agent has a folder with these files.
fn with_files(files: &[(&str, &str)]) -> House {
    let house = House::new(AgentType::LettaV1Agent);
    let now_ms = house.store().now_ms();
    let folder = Folder {
        id: FolderId::new(),
        name: "notes".to_owned(),
        description: "What was written down.".to_owned(),
        instructions: String::new(),
        letta: json!({}),
        archive_id: ArchiveId::new(),
        created_at_ms: now_ms,
        updated_at_ms: now_ms,
        deleted_at_ms: None,
    };
    let by = Provenance::user("upload");
    house
        .store()
        .write(|w| {
            w.insert_folder(&folder)?;
            w.attach_folder(&house.agent.id, &folder.id)?;
            for (name, text) in files {
                let new = NewFile {
                    folder_id: folder.id.clone(),
                    name: (*name).to_owned(),
                    file_type: "text/plain".to_owned(),
                    size_bytes: text.len(),
                    text: (*text).to_owned(),
                    letta: json!({}),
                };
                add(w, new, &by, now_ms)?;
            }
            Ok::<_, resident_memory::MemoryError>(())
        })
        .unwrap();
    house
}

fn call(house: &mut House, name: &str, arguments: Value) -> (ToolStatus, String) {
    house.say("Please.", vec![calls(name, arguments), says("Done.")]);
    let result = house.last_result();
    (result.tool_status.unwrap(), result.content)
}

fn lines(count: usize) -> String {
    (1..=count).map(|number| format!("line {number}")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_tools_for_files_come_with_a_folder() {
    let mut house = House::with(AgentType::LettaV1Agent, |agent| agent.tools.push("open_files".to_owned()));
    house.say("Hello.", vec![says("Hi.")]);
    assert!(!menu(&house.last_prompt()).iter().any(|name| name.ends_with("_files")));
    assert!(!house.last_prompt().system.contains("<directories>"));
    let mut house = with_files(&[("a.md", "Anchors sink.")]);
    house.say("Hello.", vec![says("Hi.")]);
    for name in ["open_files", "grep_files", "semantic_search_files"] {
        assert!(menu(&house.last_prompt()).contains(&name.to_owned()), "{name}");
    }
    let system = house.last_prompt().system;
    assert!(system.contains("<file status=\"closed\" name=\"notes/a.md\" />"), "{system}");
    assert!(system.contains("<description>What was written down.</description>"), "{system}");
    assert!(!system.contains("Anchors sink."));
}

#[test]
fn an_open_file_stands_in_the_prompt_with_the_lines_asked_for() {
    let mut house = with_files(&[("a.md", &lines(30)), ("b.md", "Boats float.")]);
    let requests = json!([{ "file_name": "a.md", "offset": 9, "length": 3 }, { "file_name": "notes/b.md" }]);
    let (status, text) = call(&mut house, "open_files", json!({ "file_requests": requests }));
    assert_eq!((status, text.as_str()), (ToolStatus::Ok, "Opened notes/a.md, notes/b.md."));
    let system = system_text(house.store(), &house.agent.id).unwrap();
    assert!(
        system.contains("[Viewing lines 10 to 12 (out of 30 lines)]\n10: line 10\n11: line 11\n12: line 12\n</value>")
    );
    assert!(system.contains("1: Boats float."), "{system}");
    assert!(house.last_prompt().system.contains("10: line 10"), "the next step sees it");
    let overview = context(&house.context(), &house.agent.id).unwrap();
    let part = overview.parts.iter().find(|part| part.label == DIRECTORIES).unwrap();
    assert!(part.kind == ContextPartKind::Core && part.tokens > 20, "{part:?}");

    let (_, text) = call(&mut house, "open_files", json!({ "file_requests": "b.md", "close_all_others": true }));
    assert_eq!(text, "Opened notes/b.md. Closed notes/a.md.");
    let (status, text) = call(&mut house, "open_files", json!({ "file_requests": [{ "file_name": "c.md" }] }));
    assert_eq!(status, ToolStatus::Failed);
    assert_eq!(text, "There is no file named c.md. Files: notes/a.md, notes/b.md.");
}

#[test]
fn a_small_window_has_few_files_open_and_little_of_each() {
    let long = "word ".repeat(4_000);
    let names: Vec<String> = (0..5).map(|number| format!("{number}.md")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), long.as_str())).collect();
    let mut house = with_files(&files);
    let (status, text) = call(&mut house, "open_files", json!({ "file_requests": names }));
    assert_eq!(status, ToolStatus::Failed, "{text}");
    assert_eq!(text, "At most 3 files can be open at once; 5 were asked for.");
    for name in &names {
        let (status, _) = call(&mut house, "open_files", json!({ "file_requests": [{ "file_name": name }] }));
        assert_eq!(status, ToolStatus::Ok);
    }
    let system = house.last_prompt().system;
    assert_eq!(system.matches("status=\"open\"").count(), 3, "the oldest were closed");
    let tokens = house.last_prompt().system.len().div_ceil(4);
    assert!(tokens < 8192, "{tokens} tokens fit into the window");
    house.model.window_tokens = 3_000;
    let turn = house.say("Still there?", vec![says("Yes.")]);
    assert_eq!(turn.stop_reason.as_deref(), Some("end_turn"), "a window too small for the files still answers");
}

#[test]
fn grep_shows_matches_with_their_lines_page_by_page() {
    let mut house = with_files(&[("a.md", &lines(50)), ("b.txt", "Line of boats\nand more")]);
    let (_, text) = call(&mut house, "grep_files", json!({ "pattern": "^line 2$" }));
    assert_eq!(text, "Showing matches 1 to 1 of 1:\n\nnotes/a.md:\n  1: line 1\n> 2: line 2\n  3: line 3");
    let (_, text) =
        call(&mut house, "grep_files", json!({ "pattern": "line", "include": "*.txt", "context_lines": 0 }));
    assert_eq!(text, "Showing matches 1 to 1 of 1:\n\nnotes/b.txt:\n> 1: Line of boats");
    let (_, text) = call(&mut house, "grep_files", json!({ "pattern": "line", "context_lines": 0 }));
    assert!(text.starts_with("Showing matches 1 to 20 of 51:") && text.ends_with("use offset=20."), "{text}");
    let (_, text) = call(&mut house, "grep_files", json!({ "pattern": "line", "offset": 40, "context_lines": 0 }));
    assert!(text.starts_with("Showing matches 41 to 51 of 51:") && !text.contains("use offset"), "{text}");
    let (_, text) = call(&mut house, "grep_files", json!({ "pattern": "zebra" }));
    assert_eq!(text, "No matches found.");
    for pattern in ["(", "(a{500}){500}"] {
        let (status, text) = call(&mut house, "grep_files", json!({ "pattern": pattern }));
        assert_eq!(status, ToolStatus::Failed, "{text}");
    }
}

#[test]
fn files_are_searched_and_archival_memory_is_not() {
    let mut house = with_files(&[("a.md", "Anchors sink."), ("b.md", "Boats float.")]);
    let save = calls("archival_memory_insert", json!({ "content": "Boats are dear to the user." }));
    house.say("Remember.", vec![save, says("Saved.")]);
    let (_, text) = call(&mut house, "semantic_search_files", json!({ "query": "boats" }));
    assert!(text.contains("notes/b.md") && text.contains("Boats float."), "{text}");
    assert!(!text.contains("dear"), "{text}");
    let (_, text) = call(&mut house, "archival_memory_search", json!({ "query": "boats" }));
    assert!(text.contains("dear") && !text.contains("float"), "{text}");
    assert!(!house.last_prompt().system.contains("float"));
}
