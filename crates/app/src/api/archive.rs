//! Archival memory: passages.

use super::ProvenanceView;

api_type! {
    /// A passage.
    pub struct PassageView {
        /// Its id.
        pub id: String,
        /// The agent whose archive it is in.
        pub agent_id: String,
        /// Its text.
        pub text: String,
        /// Its tags.
        pub tags: Vec<String>,
        /// Who saved it.
        pub provenance: ProvenanceView,
        /// The document it is a chunk of.
        pub document: Option<String>,
        /// From when it was true.
        pub valid_from_ms: Option<i64>,
        /// Until when it was true.
        pub valid_to_ms: Option<i64>,
        /// The passage that took its place when it ceased to be true.
        pub superseded_by: Option<String>,
        /// When it was saved.
        pub created_at_ms: i64,
        /// When it was last changed.
        pub updated_at_ms: i64,
        /// When it was moved to the bin.
        pub deleted_at_ms: Option<i64>,
    }

    /// How to order passages.
    #[derive(Copy, Eq, Default)]
    pub enum PassageSort {
        /// Best hits first; newest first without a query.
        #[default]
        Relevance,
        /// Newest first.
        Newest,
        /// Oldest first.
        Oldest,
    }

    /// A search through an archive, or a page of it when `query` is empty.
    pub struct SearchPassages {
        /// The agent.
        pub agent_id: String,
        /// Words or a question.
        #[serde(default)]
        pub query: String,
        /// Only with these tags.
        #[serde(default)]
        pub tags: Vec<String>,
        /// Whether all of the tags are needed, or any.
        #[serde(default)]
        pub match_all_tags: bool,
        /// Only saved from this time on.
        #[serde(default)]
        #[ts(optional)]
        pub from_ms: Option<i64>,
        /// Only saved before this time.
        #[serde(default)]
        #[ts(optional)]
        pub to_ms: Option<i64>,
        /// What was believed true at this time, instead of now.
        #[serde(default)]
        #[ts(optional)]
        pub as_of_ms: Option<i64>,
        /// The order.
        #[serde(default)]
        pub sort: PassageSort,
        /// Those in the bin instead.
        #[serde(default)]
        pub deleted: bool,
        /// How many to skip.
        #[serde(default)]
        pub offset: usize,
        /// At most so many.
        pub limit: usize,
    }

    /// A passage that was found.
    pub struct PassageHit {
        /// The passage.
        pub passage: PassageView,
        /// Higher is better; 0 without a query.
        pub score: f32,
        /// Why it was found, in words.
        pub reasons: Vec<String>,
    }

    /// A page of passages.
    pub struct PassagePage {
        /// The passages.
        pub hits: Vec<PassageHit>,
        /// How many there are in all.
        pub total: usize,
    }

    /// A new passage. Long text is cut into several.
    pub struct CreatePassage {
        /// The agent.
        pub agent_id: String,
        /// Its text.
        pub text: String,
        /// Its tags.
        #[serde(default)]
        pub tags: Vec<String>,
        /// The name of the document that the text is.
        #[serde(default)]
        #[ts(optional)]
        pub document: Option<String>,
    }

    /// Changes to a passage; what is left out stays.
    pub struct UpdatePassage {
        /// The passage.
        pub passage_id: String,
        /// New text.
        #[serde(default)]
        #[ts(optional)]
        pub text: Option<String>,
        /// New tags.
        #[serde(default)]
        #[ts(optional)]
        pub tags: Option<Vec<String>>,
    }

    /// Names passages.
    pub struct PassageRefs {
        /// Their ids.
        pub passage_ids: Vec<String>,
    }

    /// A tag and how many passages have it.
    pub struct TagCount {
        /// The tag.
        pub tag: String,
        /// How many.
        pub passages: usize,
    }
}
