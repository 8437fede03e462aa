// Generated from crates/app. Do not edit.
import type { AgentInFile } from "./AgentInFile";
import type { FileForm } from "./FileForm";
import type { FileNotice } from "./FileNotice";
import type { FolderInFile } from "./FolderInFile";
import type { GroupInFile } from "./GroupInFile";
import type { ToolInFile } from "./ToolInFile";

/**
 * What an agent file would bring.
 */
export type AgentFilePreview = {
/**
 * Its form.
 */
form: FileForm,
/**
 * Its agents.
 */
agents: Array<AgentInFile>,
/**
 * Its tools.
 */
tools: Array<ToolInFile>,
/**
 * Its folders.
 */
folders: Array<FolderInFile>,
/**
 * Its groups. They are kept; nobody leads them here.
 */
groups: Array<GroupInFile>,
/**
 * The names of its MCP servers. They are kept; none is started or called before the user allows it.
 */
servers: Array<string>,
/**
 * The names of its skills. They are kept and not used.
 */
skills: Array<string>,
/**
 * What is not adopted, what was mended, what looks like a trick.
 */
notices: Array<FileNotice>, };
