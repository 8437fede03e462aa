// Generated from crates/app. Do not edit.
import type { RoleView } from "./RoleView";
import type { ToolCallView } from "./ToolCallView";

/**
 * One message.
 */
export type MessageView = {
/**
 * Its id.
 */
id: string,
/**
 * Its place in the order of conversation.
 */
seq: number,
/**
 * Its agent.
 */
agentId: string,
/**
 * Its turn.
 */
turnId: string | null,
/**
 * Its step.
 */
stepId: string | null,
/**
 * Who speaks.
 */
role: RoleView,
/**
 * What is said, as markdown. For a `send_message` call this is what it sends.
 */
content: string,
/**
 * The agent's inner thoughts.
 */
thoughts: string | null,
/**
 * Tools that it calls, `send_message` left out.
 */
toolCalls: Array<ToolCallView>,
/**
 * The call that a tool message answers.
 */
toolCallId: string | null,
/**
 * The tool that a tool message is the result of, or the kind of a system message.
 */
name: string | null,
/**
 * Whether the call that a tool message answers failed.
 */
failed: boolean,
/**
 * The name that a client gave it, to know it again.
 */
otid?: string,
/**
 * Who sent it, where a client said so.
 */
senderId?: string,
/**
 * The group in which it was said.
 */
groupId?: string,
/**
 * The message of the group that is told to this agent by it.
 */
originId?: string,
/**
 * Whether its words are those of a `send_message` call.
 */
spokenByCall?: boolean,
/**
 * When it was said.
 */
createdAtMs: number,
/**
 * Whether it is in the context window.
 */
inWindow: boolean, };
