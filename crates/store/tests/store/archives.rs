//! Archives: whose passages are whose.

use resident_store::{
    AgentId, Archive, ArchiveId, ArchiveKind, ArchiveListing, Passage, PassageFilter, PassageScope, StoreError,
};
use serde_json::json;

use crate::support::{NOW_MS, Profile, agent, passage};

fn archive(name: &str, kind: ArchiveKind) -> Archive {
    Archive {
        id: ArchiveId::new(),
        name: name.to_owned(),
        description: "shared".to_owned(),
        kind,
        letta: json!({}),
        agent_id: None,
        created_at_ms: NOW_MS,
        updated_at_ms: NOW_MS,
        deleted_at_ms: None,
    }
}

fn save(profile: &Profile, archive_id: &ArchiveId, text: &str) {
    let archive_id = archive_id.clone();
    let saved = Passage { archive_id, ..passage(&AgentId::new(), text, &["tag"]) };
    profile.write(|w| w.insert_passage(&saved));
}

fn texts(profile: &Profile, scope: &PassageScope) -> Vec<String> {
    let filter = PassageFilter { newest_first: false, ..PassageFilter::of(scope) };
    let (passages, total) = profile.read(|r| r.passages(&filter));
    assert_eq!(total, passages.len());
    assert_eq!(profile.read(|r| r.count_passages(scope)), total);
    assert_eq!(profile.read(|r| r.tag_counts(scope)).first().map_or(0, |(_, count)| *count), total);
    let found = profile.read(|r| r.search_passages_text(&filter, "text", [1.0; 3], 100));
    assert_eq!(found.len(), total, "what is listed is found");
    passages.into_iter().map(|passage| passage.text).collect()
}

#[test]
fn an_agent_remembers_what_lies_in_the_archives_attached_to_it() {
    let mut profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let shared = archive("Handbook", ArchiveKind::Passages);
    let folder = archive("Files", ArchiveKind::Folder);
    profile.write(|w| {
        for archive in [&shared, &folder] {
            w.insert_archive(archive)?;
            w.attach_archive(&ada, &archive.id)?;
            w.attach_archive(&ada, &archive.id)?;
        }
        w.attach_archive(&bob, &shared.id)
    });
    save(&profile, &ArchiveId::own_of(&ada), "own text");
    save(&profile, &shared.id, "shared text");
    save(&profile, &folder.id, "file text");
    profile.reopen().unwrap();

    let of = |agent: &AgentId| texts(&profile, &PassageScope::Agent(agent.clone()));
    assert_eq!(of(&ada), ["own text", "shared text"], "files are no archival memory");
    assert_eq!(of(&bob), ["shared text"]);
    assert_eq!(texts(&profile, &PassageScope::Archive(folder.id.clone())), ["file text"]);
    assert_eq!(texts(&profile, &PassageScope::Everywhere), ["own text", "shared text"]);
    assert_eq!(profile.read(|r| r.agents_of_archive(&shared.id)), [ada.clone(), bob.clone()]);
    profile.write(|w| w.detach_archive(&ada, &shared.id));
    assert_eq!(texts(&profile, &PassageScope::Agent(ada)), ["own text"]);
}

#[test]
fn what_an_agent_saves_goes_to_its_first_archive_and_never_to_a_deleted_one() {
    let profile = Profile::new();
    let cid = agent("Cid");
    profile.write(|w| w.insert_agent(&cid));
    let scope = PassageScope::Agent(cid.id.clone());
    assert_eq!(profile.read(|r| r.archives_in(&scope)), [], "nothing is made before it is needed");
    let own = profile.write(|w| w.default_archive(&cid.id, NOW_MS));
    assert_eq!(own, ArchiveId::own_of(&cid.id));
    assert_eq!(profile.write(|w| w.default_archive(&cid.id, NOW_MS)), own, "and only once");
    assert_eq!(profile.read(|r| r.archive(&own)).unwrap().name, "Cid");
    profile.write(|w| w.set_archive_deleted(&own, Some(NOW_MS)));
    let next = profile.write(|w| w.default_archive(&cid.id, NOW_MS));
    assert_ne!(next, own);
    let unknown = profile.store().write(|w| w.default_archive(&AgentId::new(), NOW_MS));
    assert!(matches!(unknown, Err(StoreError::NotFound { what: "agent", .. })), "{unknown:?}");
}

#[test]
fn an_archive_goes_to_the_bin_with_its_passages_and_comes_back_with_them() {
    let profile = Profile::new();
    let ada = profile.agent("Ada");
    let own = ArchiveId::own_of(&ada);
    let earlier = passage(&ada, "binned before", &[]);
    profile.write(|w| {
        w.insert_passage(&earlier)?;
        w.set_passage_deleted(&earlier.id, Some(NOW_MS))
    });
    save(&profile, &own, "one text");
    save(&profile, &own, "two text");
    let live = || texts(&profile, &PassageScope::Agent(ada.clone())).len();
    let listed = || profile.read(|r| r.list_archives(&ArchiveListing::default())).len();
    assert_eq!((live(), listed()), (2, 1));
    profile.write(|w| w.set_archive_deleted(&own, Some(NOW_MS + 1)));
    assert_eq!((live(), listed()), (0, 0));
    assert_eq!(profile.read(|r| r.archives_in_bin()), std::slice::from_ref(&own));
    profile.write(|w| w.set_archive_deleted(&own, None));
    assert_eq!((live(), listed()), (2, 1), "but for what was in the bin before");
    profile.write(|w| w.purge_archive(&own));
    assert_eq!(profile.read(|r| r.passage(&earlier.id)), None);
}

#[test]
fn purging_an_agent_keeps_the_archive_that_another_shares() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let (shared, alone) = (ArchiveId::own_of(&ada), ArchiveId::own_of(&bob));
    save(&profile, &shared, "shared text");
    save(&profile, &alone, "lonely text");
    profile.write(|w| w.attach_archive(&bob, &shared));
    profile.write(|w| w.purge_agent(&ada));
    assert_eq!(texts(&profile, &PassageScope::Agent(bob.clone())), ["shared text", "lonely text"]);
    assert_eq!(profile.read(|r| r.archive(&shared)).unwrap().agent_id, None);
    profile.write(|w| w.purge_agent(&bob));
    assert_eq!(profile.read(|r| r.archive(&alone)), None);
    assert_eq!(texts(&profile, &PassageScope::Everywhere), ["shared text"], "nobody's own, deleted by nobody");
}

#[test]
fn archives_are_listed_by_agent_and_name() {
    let profile = Profile::new();
    let (ada, bob) = (profile.agent("Ada"), profile.agent("Bob"));
    let mut shared = archive("Draft", ArchiveKind::Passages);
    profile.write(|w| {
        w.insert_archive(&shared)?;
        w.insert_archive(&archive("Files", ArchiveKind::Folder))?;
        w.attach_archive(&bob, &shared.id)
    });
    shared.name = "Handbook".to_owned();
    shared.letta = json!({ "embedding": "openai/text-embedding-3-small" });
    profile.write(|w| w.update_archive(&shared));
    let names = |listing: ArchiveListing| -> Vec<String> {
        profile.read(|r| r.list_archives(&listing)).into_iter().map(|archive| archive.name).collect()
    };
    assert_eq!(names(ArchiveListing::default()), ["Ada", "Bob", "Handbook"]);
    assert_eq!(names(ArchiveListing { agent_id: Some(bob), ..ArchiveListing::default() }), ["Bob", "Handbook"]);
    assert_eq!(names(ArchiveListing { agent_id: Some(ada), ..ArchiveListing::default() }), ["Ada"]);
    let named = ArchiveListing { name: Some("Handbook".to_owned()), ..ArchiveListing::default() };
    assert_eq!(profile.read(|r| r.list_archives(&named)), [shared]);
}
