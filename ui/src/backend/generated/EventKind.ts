// Generated from crates/app. Do not edit.
import type { ApiError } from "./ApiError";
import type { CompactionView } from "./CompactionView";
import type { MemoryChange } from "./MemoryChange";
import type { MessageView } from "./MessageView";
import type { StepView } from "./StepView";
import type { TurnView } from "./TurnView";

/**
 * What happened.
 */
export type EventKind = { "type": "Gap" } | { "type": "TurnStarted",
/**
 * The turn.
 */
turn: TurnView, } | { "type": "MessageRecorded",
/**
 * The message.
 */
message: MessageView, } | { "type": "ModelLoading",
/**
 * Its name.
 */
name: string, } | { "type": "PromptReading",
/**
 * Tokens so far.
 */
tokens: number,
/**
 * Tokens in all.
 */
of: number, } | { "type": "Searching",
/**
 * For what.
 */
query: string, } | { "type": "TextDelta",
/**
 * The step.
 */
stepId: string,
/**
 * The text.
 */
text: string, } | { "type": "ThoughtsDelta",
/**
 * The step.
 */
stepId: string,
/**
 * The text.
 */
text: string, } | { "type": "ToolCallDelta",
/**
 * The step.
 */
stepId: string,
/**
 * Which call of the step.
 */
index: number,
/**
 * The tool.
 */
name: string,
/**
 * A piece of the arguments' JSON text.
 */
argumentsDelta: string, } | { "type": "StepEnded",
/**
 * The step.
 */
step: StepView, } | { "type": "MemoryChanged",
/**
 * How.
 */
change: MemoryChange, } | { "type": "MemoryChangeMarked",
/**
 * The change as it stands now.
 */
change: MemoryChange, } | { "type": "MemoryPressure",
/**
 * Tokens used.
 */
usedTokens: number,
/**
 * Tokens of the window.
 */
windowTokens: number, } | { "type": "Compacted",
/**
 * What was done.
 */
compaction: CompactionView, } | { "type": "TurnEnded",
/**
 * The turn.
 */
turn: TurnView, } | { "type": "Failed",
/**
 * What.
 */
error: ApiError, } | { "type": "AgentsChanged" } | { "type": "GroupsChanged" } | { "type": "GroupSpeaking",
/**
 * The group.
 */
groupId: string,
/**
 * Whether its agents talk, or tidy.
 */
running: boolean,
/**
 * Who of them has the word.
 */
agentId: string | null, } | { "type": "BlocksChanged" } | { "type": "PassagesChanged" } | { "type": "MessagesChanged" } | { "type": "ModelsChanged" } | { "type": "SettingsChanged" } | { "type": "Embedding",
/**
 * How many.
 */
remaining: number, };
