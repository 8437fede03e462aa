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
export type EventKind = { "type": "Gap" } | { "type": "TurnStarted", turn: TurnView } | { "type": "MessageRecorded", message: MessageView } | { "type": "ModelLoading", name: string } | { "type": "PromptReading", tokens: number, of: number } | { "type": "Searching", query: string } | { "type": "TextDelta", stepId: string, text: string } | { "type": "ThoughtsDelta", stepId: string, text: string } | { "type": "ToolCallDelta", stepId: string, index: number, name: string, argumentsDelta: string } | { "type": "StepEnded", step: StepView } | { "type": "MemoryChanged", change: MemoryChange } | { "type": "MemoryPressure", usedTokens: number, windowTokens: number } | { "type": "Compacted", compaction: CompactionView } | { "type": "TurnEnded", turn: TurnView } | { "type": "Failed", error: ApiError } | { "type": "AgentsChanged" } | { "type": "BlocksChanged" } | { "type": "PassagesChanged" } | { "type": "MessagesChanged" } | { "type": "ModelsChanged" } | { "type": "SettingsChanged" } | { "type": "Embedding", remaining: number };
