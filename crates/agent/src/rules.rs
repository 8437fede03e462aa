//! Tool rules: which tools the next call may be of, as data in V1's form. The menu that comes out of them is the whole
//! of what a local model can generate, and what a remote model's calls are checked against.
//!
//! The rules look at the calls of the current turn only (V1 calls that a step, hence `max_count_per_step`). A call that
//! was refused is not among them; one that failed is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One rule. Fields that V1 has besides these (templates for prompts, argument nodes) are read over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToolRule {
    /// The first call of a turn is of one of the tools with this rule.
    #[serde(alias = "InitToolRule", alias = "run_first_tool")]
    RunFirst {
        /// The tool.
        tool_name: String,
    },
    /// After this tool the turn ends.
    #[serde(alias = "TerminalToolRule")]
    ExitLoop {
        /// The tool.
        tool_name: String,
    },
    /// After this tool there is another step.
    #[serde(alias = "ContinueToolRule")]
    ContinueLoop {
        /// The tool.
        tool_name: String,
    },
    /// After this tool only its children can be called.
    #[serde(alias = "ToolRule", alias = "ChildToolRule")]
    ConstrainChildTools {
        /// The tool.
        tool_name: String,
        /// What can be called after it.
        children: Vec<String>,
    },
    /// The children can be called only right after this tool.
    #[serde(alias = "ParentToolRule")]
    ParentLastTool {
        /// The tool.
        tool_name: String,
        /// What can be called only after it.
        children: Vec<String>,
    },
    /// What this tool returned says which tool comes next.
    #[serde(alias = "ConditionalToolRule")]
    Conditional {
        /// The tool.
        tool_name: String,
        /// From a result to the tool that follows it.
        child_output_mapping: BTreeMap<String, String>,
        /// What follows any other result.
        #[serde(default)]
        default_child: Option<String>,
        /// Whether nothing can follow a result that is not mapped, where there is no default.
        #[serde(default)]
        require_output_mapping: bool,
    },
    /// At most so many calls of this tool in one turn.
    #[serde(alias = "MaxCountPerStepToolRule")]
    MaxCountPerStep {
        /// The tool.
        tool_name: String,
        /// How many.
        max_count_limit: usize,
    },
    /// The turn does not end before this tool was called.
    #[serde(alias = "RequiredBeforeExitToolRule")]
    RequiredBeforeExit {
        /// The tool.
        tool_name: String,
    },
    /// The user is asked before this tool runs.
    #[serde(alias = "RequiresApprovalToolRule")]
    RequiresApproval {
        /// The tool.
        tool_name: String,
    },
}

/// A call that was made in this turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastCall {
    /// The tool.
    pub name: String,
    /// What it returned.
    pub output: String,
}

/// The rules of one agent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ToolRules(Vec<ToolRule>);

impl ToolRules {
    /// These rules.
    pub fn new(rules: Vec<ToolRule>) -> Self {
        Self(rules)
    }

    /// The rules that stand in an agent's `tool_rules`; `null` is none.
    ///
    /// # Errors
    /// When the value is not a list of rules in V1's form.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, serde_json::Error> {
        if value.is_null() { Ok(Self::default()) } else { Vec::<ToolRule>::deserialize(value).map(Self) }
    }

    /// The tools of `attached` that may be called next, in the order of `attached`.
    pub fn menu(&self, attached: &[String], history: &[PastCall]) -> Vec<String> {
        attached.iter().filter(|name| self.admits(name, attached, history)).cloned().collect()
    }

    /// Whether `name` may be called next.
    pub fn admits(&self, name: &str, attached: &[String], history: &[PastCall]) -> bool {
        attached.iter().any(|tool| tool == name)
            && (!history.is_empty() || self.may_open(name, attached))
            && self.0.iter().all(|rule| rule.allows(name, history))
    }

    /// Whether the last call leaves only some tools, so that one of them must be called now.
    pub fn forces_a_call(&self, attached: &[String], history: &[PastCall]) -> bool {
        let Some(last) = history.last() else { return self.opening_tools(attached).next().is_some() };
        self.0.iter().any(|rule| match rule {
            ToolRule::ConstrainChildTools { tool_name, .. } => *tool_name == last.name,
            ToolRule::Conditional { tool_name, .. } => {
                *tool_name == last.name && rule.mapped_child(&last.output).is_some()
            }
            ToolRule::RunFirst { .. }
            | ToolRule::ExitLoop { .. }
            | ToolRule::ContinueLoop { .. }
            | ToolRule::ParentLastTool { .. }
            | ToolRule::MaxCountPerStep { .. }
            | ToolRule::RequiredBeforeExit { .. }
            | ToolRule::RequiresApproval { .. } => false,
        })
    }

    /// Whether the turn ends after `name`.
    pub fn exits_after(&self, name: &str) -> bool {
        self.0.iter().any(|rule| matches!(rule, ToolRule::ExitLoop { tool_name } if tool_name == name))
    }

    /// Whether there is another step after `name`, whatever the model asked for.
    pub fn continues_after(&self, name: &str) -> bool {
        self.0.iter().any(|rule| match rule {
            ToolRule::ContinueLoop { tool_name }
            | ToolRule::ConstrainChildTools { tool_name, .. }
            | ToolRule::Conditional { tool_name, .. } => tool_name == name,
            ToolRule::RunFirst { .. }
            | ToolRule::ExitLoop { .. }
            | ToolRule::ParentLastTool { .. }
            | ToolRule::MaxCountPerStep { .. }
            | ToolRule::RequiredBeforeExit { .. }
            | ToolRule::RequiresApproval { .. } => false,
        })
    }

    /// Whether the user is asked before `name` runs.
    pub fn requires_approval(&self, name: &str) -> bool {
        self.0.iter().any(|rule| matches!(rule, ToolRule::RequiresApproval { tool_name } if tool_name == name))
    }

    /// The attached tools that must still be called before the turn ends.
    pub fn unmet_before_exit(&self, attached: &[String], history: &[PastCall]) -> Vec<String> {
        let required = self.0.iter().filter_map(|rule| match rule {
            ToolRule::RequiredBeforeExit { tool_name } => Some(tool_name),
            ToolRule::RunFirst { .. }
            | ToolRule::ExitLoop { .. }
            | ToolRule::ContinueLoop { .. }
            | ToolRule::ConstrainChildTools { .. }
            | ToolRule::ParentLastTool { .. }
            | ToolRule::Conditional { .. }
            | ToolRule::MaxCountPerStep { .. }
            | ToolRule::RequiresApproval { .. } => None,
        });
        required
            .filter(|name| attached.contains(name) && !history.iter().any(|call| call.name == **name))
            .cloned()
            .collect()
    }

    /// The attached tools with which a turn must open. A rule for a tool that is not attached binds nobody.
    fn opening_tools<'a>(&'a self, attached: &'a [String]) -> impl Iterator<Item = &'a String> {
        self.0.iter().filter_map(move |rule| match rule {
            ToolRule::RunFirst { tool_name } if attached.contains(tool_name) => Some(tool_name),
            ToolRule::RunFirst { .. }
            | ToolRule::ExitLoop { .. }
            | ToolRule::ContinueLoop { .. }
            | ToolRule::ConstrainChildTools { .. }
            | ToolRule::ParentLastTool { .. }
            | ToolRule::Conditional { .. }
            | ToolRule::MaxCountPerStep { .. }
            | ToolRule::RequiredBeforeExit { .. }
            | ToolRule::RequiresApproval { .. } => None,
        })
    }

    fn may_open(&self, name: &str, attached: &[String]) -> bool {
        let mut opening = self.opening_tools(attached).peekable();
        opening.peek().is_none() || opening.any(|tool| tool == name)
    }
}

impl ToolRule {
    /// Whether this rule alone lets `name` follow `history`.
    fn allows(&self, name: &str, history: &[PastCall]) -> bool {
        let last = history.last();
        match self {
            Self::ConstrainChildTools { tool_name, children } => {
                last.is_none_or(|call| call.name != *tool_name) || children.iter().any(|child| child == name)
            }
            Self::ParentLastTool { tool_name, children } => {
                !children.iter().any(|child| child == name) || last.is_some_and(|call| call.name == *tool_name)
            }
            Self::Conditional { tool_name, require_output_mapping, .. } => {
                match last.filter(|call| call.name == *tool_name) {
                    None => true,
                    Some(call) => {
                        self.mapped_child(&call.output).map_or(!require_output_mapping, |child| child == name)
                    }
                }
            }
            Self::MaxCountPerStep { tool_name, max_count_limit } => {
                tool_name != name || history.iter().filter(|call| call.name == name).count() < *max_count_limit
            }
            // Which tool opens a turn is asked of all `run_first` rules together.
            Self::RunFirst { .. }
            | Self::ExitLoop { .. }
            | Self::ContinueLoop { .. }
            | Self::RequiredBeforeExit { .. }
            | Self::RequiresApproval { .. } => true,
        }
    }

    /// The tool that a conditional rule puts after `output`.
    fn mapped_child(&self, output: &str) -> Option<&String> {
        let Self::Conditional { child_output_mapping, default_child, .. } = self else { return None };
        child_output_mapping
            .iter()
            .find(|(result, _)| same_output(result, output))
            .map(|(_, child)| child)
            .or(default_child.as_ref())
    }
}

/// Results are compared as text; the truth values of Python and JSON are the same ones.
fn same_output(expected: &str, output: &str) -> bool {
    let (expected, output) = (expected.trim(), output.trim());
    expected == output || (matches!(expected, "True" | "False") && expected.eq_ignore_ascii_case(output))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn past(calls: &[(&str, &str)]) -> Vec<PastCall> {
        calls.iter().map(|(name, output)| PastCall { name: (*name).into(), output: (*output).into() }).collect()
    }

    fn check(rules: serde_json::Value, calls: &[(&str, &str)], menu: &[&str]) {
        let rules = ToolRules::from_json(&rules).unwrap();
        assert_eq!(rules.menu(&names(&["a", "b", "c"]), &past(calls)), names(menu), "{rules:?} after {calls:?}");
    }

    #[test]
    fn without_rules_everything_attached_is_on_the_menu() {
        check(json!(null), &[], &["a", "b", "c"]);
        check(json!([]), &[("a", "")], &["a", "b", "c"]);
    }

    #[test]
    fn run_first_binds_the_first_call_only() {
        let rules = json!([{ "type": "run_first", "tool_name": "b" }, { "type": "run_first", "tool_name": "c" }]);
        check(rules.clone(), &[], &["b", "c"]);
        check(rules, &[("b", "")], &["a", "b", "c"]);
        check(json!([{ "type": "run_first", "tool_name": "not attached" }]), &[], &["a", "b", "c"]);
    }

    #[test]
    fn children_are_all_that_follows() {
        let rules = json!([{ "type": "constrain_child_tools", "tool_name": "a", "children": ["c"] }]);
        check(rules.clone(), &[("a", "")], &["c"]);
        check(rules.clone(), &[("b", "")], &["a", "b", "c"]);
        let rules = ToolRules::from_json(&rules).unwrap();
        assert!(rules.forces_a_call(&names(&["a", "c"]), &past(&[("a", "")])));
        assert!(rules.continues_after("a"));
    }

    #[test]
    fn a_parent_must_be_the_last_call() {
        let rules = json!([{ "type": "parent_last_tool", "tool_name": "a", "children": ["c"] }]);
        check(rules.clone(), &[], &["a", "b"]);
        check(rules.clone(), &[("a", "")], &["a", "b", "c"]);
        check(rules, &[("a", ""), ("b", "")], &["a", "b"]);
    }

    #[test]
    fn a_result_says_what_follows() {
        let rule = json!({ "type": "conditional", "tool_name": "a", "child_output_mapping": { "True": "b" } });
        check(json!([rule]), &[("a", "true")], &["b"]);
        check(json!([rule]), &[("a", "maybe")], &["a", "b", "c"]);
        let mut strict = rule.clone();
        strict["require_output_mapping"] = json!(true);
        check(json!([strict]), &[("a", "maybe")], &[]);
        let mut default = rule;
        default["default_child"] = json!("c");
        check(json!([default]), &[("a", "maybe")], &["c"]);
    }

    #[test]
    fn a_count_is_kept_for_the_turn() {
        let rules = json!([{ "type": "max_count_per_step", "tool_name": "a", "max_count_limit": 2 }]);
        check(rules.clone(), &[("a", "")], &["a", "b", "c"]);
        check(rules, &[("a", ""), ("b", ""), ("a", "")], &["b", "c"]);
    }

    #[test]
    fn exit_continue_required_and_approval_are_asked_by_name() {
        let rules = ToolRules::from_json(&json!([
            { "type": "exit_loop", "tool_name": "a", "prompt_template": "ignored" },
            { "type": "continue_loop", "tool_name": "b" },
            { "type": "required_before_exit", "tool_name": "c" },
            { "type": "required_before_exit", "tool_name": "not attached" },
            { "type": "requires_approval", "tool_name": "c" },
        ]))
        .unwrap();
        assert!(rules.exits_after("a") && !rules.exits_after("b"));
        assert!(rules.continues_after("b") && !rules.continues_after("a"));
        assert!(rules.requires_approval("c") && !rules.requires_approval("a"));
        assert_eq!(rules.unmet_before_exit(&names(&["a", "b", "c"]), &past(&[("a", "")])), ["c"]);
        assert!(rules.unmet_before_exit(&names(&["a", "b", "c"]), &past(&[("c", "")])).is_empty());
    }

    #[test]
    fn the_class_names_of_old_agent_files_are_read() {
        let rules =
            json!([{ "type": "InitToolRule", "tool_name": "b" }, { "type": "TerminalToolRule", "tool_name": "a" }]);
        check(rules, &[], &["b"]);
    }

    #[test]
    fn an_unknown_rule_is_an_error() {
        assert!(ToolRules::from_json(&json!([{ "type": "run_twice", "tool_name": "a" }])).is_err());
    }

    fn tool() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["a", "b", "c", "d"]).prop_map(str::to_owned)
    }

    fn rule() -> impl Strategy<Value = ToolRule> {
        prop_oneof![
            tool().prop_map(|tool_name| ToolRule::RunFirst { tool_name }),
            tool().prop_map(|tool_name| ToolRule::ExitLoop { tool_name }),
            (tool(), prop::collection::vec(tool(), 0..3))
                .prop_map(|(tool_name, children)| ToolRule::ConstrainChildTools { tool_name, children }),
            (tool(), prop::collection::vec(tool(), 0..3))
                .prop_map(|(tool_name, children)| ToolRule::ParentLastTool { tool_name, children }),
            (tool(), tool(), any::<bool>()).prop_map(|(tool_name, child, require_output_mapping)| {
                ToolRule::Conditional {
                    tool_name,
                    child_output_mapping: BTreeMap::from([("yes".to_owned(), child)]),
                    default_child: None,
                    require_output_mapping,
                }
            }),
            (tool(), 0..3_usize)
                .prop_map(|(tool_name, max_count_limit)| ToolRule::MaxCountPerStep { tool_name, max_count_limit }),
        ]
    }

    /// What each rule forbids, written a second time and call by call, so that a slip in one shows against the other.
    fn breaks(rule: &ToolRule, rules: &[ToolRule], attached: &[String], calls: &[PastCall]) -> bool {
        let (call, before) = calls.split_last().expect("asked for each call that was made");
        let previous = before.last();
        match rule {
            ToolRule::RunFirst { tool_name } => {
                let openers: Vec<_> = rules
                    .iter()
                    .filter(|other| matches!(other, ToolRule::RunFirst { tool_name } if attached.contains(tool_name)))
                    .collect();
                before.is_empty()
                    && attached.contains(tool_name)
                    && !openers.contains(&&ToolRule::RunFirst { tool_name: call.name.clone() })
            }
            ToolRule::ConstrainChildTools { tool_name, children } => {
                previous.is_some_and(|last| last.name == *tool_name) && !children.contains(&call.name)
            }
            ToolRule::ParentLastTool { tool_name, children } => {
                children.contains(&call.name) && previous.is_none_or(|last| last.name != *tool_name)
            }
            ToolRule::Conditional { tool_name, child_output_mapping, require_output_mapping, .. } => previous
                .filter(|last| last.name == *tool_name)
                .is_some_and(|last| match child_output_mapping.get(&last.output) {
                    Some(child) => call.name != *child,
                    None => *require_output_mapping,
                }),
            ToolRule::MaxCountPerStep { tool_name, max_count_limit } => {
                calls.iter().filter(|call| call.name == *tool_name).count() > *max_count_limit
                    && call.name == *tool_name
            }
            ToolRule::ExitLoop { .. }
            | ToolRule::ContinueLoop { .. }
            | ToolRule::RequiredBeforeExit { .. }
            | ToolRule::RequiresApproval { .. } => false,
        }
    }

    proptest! {
        #[test]
        fn a_call_outside_the_rules_is_never_admitted(
            rules in prop::collection::vec(rule(), 0..5),
            attached in prop::collection::btree_set(tool(), 0..4),
            wishes in prop::collection::vec((tool(), prop::sample::select(vec!["yes", "no"])), 0..12),
        ) {
            let attached: Vec<_> = attached.into_iter().collect();
            let set = ToolRules::new(rules.clone());
            let mut history = Vec::new();
            for (name, output) in wishes {
                prop_assert_eq!(set.menu(&attached, &history).contains(&name), set.admits(&name, &attached, &history));
                if set.admits(&name, &attached, &history) {
                    prop_assert!(attached.contains(&name));
                    history.push(PastCall { name, output: output.to_owned() });
                    for rule in &rules {
                        prop_assert!(!breaks(rule, &rules, &attached, &history), "{rule:?} broken by {history:?}");
                    }
                }
            }
        }
    }
}
