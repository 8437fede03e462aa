// Generated from crates/app. Do not edit.
import type { AddModelFile } from "./AddModelFile";
import type { AgentFilePreview } from "./AgentFilePreview";
import type { AgentRef } from "./AgentRef";
import type { AgentView } from "./AgentView";
import type { AttachBlock } from "./AttachBlock";
import type { BinView } from "./BinView";
import type { BlockRef } from "./BlockRef";
import type { BlockView } from "./BlockView";
import type { CompactionView } from "./CompactionView";
import type { ContextView } from "./ContextView";
import type { CreateAgent } from "./CreateAgent";
import type { CreateBlock } from "./CreateBlock";
import type { CreateGroup } from "./CreateGroup";
import type { CreatePassage } from "./CreatePassage";
import type { DecideApproval } from "./DecideApproval";
import type { DuplicateAgent } from "./DuplicateAgent";
import type { EditMessage } from "./EditMessage";
import type { EmptyBin } from "./EmptyBin";
import type { EndpointCheck } from "./EndpointCheck";
import type { EndpointRef } from "./EndpointRef";
import type { EndpointView } from "./EndpointView";
import type { ExportAgents } from "./ExportAgents";
import type { ExportChat } from "./ExportChat";
import type { ExportedFile } from "./ExportedFile";
import type { GroupMessagePage } from "./GroupMessagePage";
import type { GroupRef } from "./GroupRef";
import type { GroupView } from "./GroupView";
import type { HealthCheck } from "./HealthCheck";
import type { ImportAgentFile } from "./ImportAgentFile";
import type { ImportChats } from "./ImportChats";
import type { ImportedAgents } from "./ImportedAgents";
import type { ImportedChats } from "./ImportedChats";
import type { LicenceView } from "./LicenceView";
import type { ListAgents } from "./ListAgents";
import type { ListBlocks } from "./ListBlocks";
import type { ListGroupMessages } from "./ListGroupMessages";
import type { ListMessages } from "./ListMessages";
import type { ListSteps } from "./ListSteps";
import type { LogLines } from "./LogLines";
import type { MessageHit } from "./MessageHit";
import type { MessagePage } from "./MessagePage";
import type { MessageRef } from "./MessageRef";
import type { MessageView } from "./MessageView";
import type { ModelRef } from "./ModelRef";
import type { ModelView } from "./ModelView";
import type { Nothing } from "./Nothing";
import type { PassagePage } from "./PassagePage";
import type { PassageRefs } from "./PassageRefs";
import type { PassageView } from "./PassageView";
import type { PreviewAgentFile } from "./PreviewAgentFile";
import type { ProfileView } from "./ProfileView";
import type { ReadLog } from "./ReadLog";
import type { RevisionView } from "./RevisionView";
import type { SaveEndpoint } from "./SaveEndpoint";
import type { SearchMessages } from "./SearchMessages";
import type { SearchPassages } from "./SearchPassages";
import type { SendMessage } from "./SendMessage";
import type { SendToGroup } from "./SendToGroup";
import type { SetSleeptime } from "./SetSleeptime";
import type { SettingsView } from "./SettingsView";
import type { SleeptimeView } from "./SleeptimeView";
import type { StartProfile } from "./StartProfile";
import type { StepView } from "./StepView";
import type { TagCount } from "./TagCount";
import type { TurnRef } from "./TurnRef";
import type { TurnView } from "./TurnView";
import type { UndoRevision } from "./UndoRevision";
import type { UpdateAgent } from "./UpdateAgent";
import type { UpdateBlock } from "./UpdateBlock";
import type { UpdateGroup } from "./UpdateGroup";
import type { UpdatePassage } from "./UpdatePassage";
import type { UpdateSettings } from "./UpdateSettings";

export interface Methods {
  /** The profile and the program. */
  getProfile: { params: Nothing; result: ProfileView };
  /** Ends the first start: keeps the user's name and creates the first agent. */
  startProfile: { params: StartProfile; result: AgentView };
  /** All settings. */
  getSettings: { params: Nothing; result: SettingsView };
  /** Changes settings. */
  updateSettings: { params: UpdateSettings; result: SettingsView };
  /** Looks at the store, the models and the folder. */
  checkHealth: { params: Nothing; result: Array<HealthCheck> };
  /** Everything in the bin. */
  listBin: { params: Nothing; result: BinView };
  /** Deletes what is in the bin for good. */
  emptyBin: { params: EmptyBin; result: Nothing };
  /** Licences of models and parts. */
  listLicences: { params: Nothing; result: Array<LicenceView> };
  /** The end of the log. */
  readLog: { params: ReadLog; result: LogLines };
  /** Agents, newest conversation first. */
  listAgents: { params: ListAgents; result: Array<AgentView> };
  /** One agent. */
  getAgent: { params: AgentRef; result: AgentView };
  /** Creates an agent with a persona and a human block. */
  createAgent: { params: CreateAgent; result: AgentView };
  /** Changes an agent. */
  updateAgent: { params: UpdateAgent; result: AgentView };
  /** Copies an agent without its conversation. */
  duplicateAgent: { params: DuplicateAgent; result: AgentView };
  /** Moves an agent to the bin. */
  deleteAgent: { params: AgentRef; result: Nothing };
  /** Takes an agent out of the bin. */
  restoreAgent: { params: AgentRef; result: AgentView };
  /** What is in an agent file and what would become of it. Nothing is changed. */
  previewAgentFile: { params: PreviewAgentFile; result: AgentFilePreview };
  /** Takes an agent file in, all of it or nothing. */
  importAgentFile: { params: ImportAgentFile; result: ImportedAgents };
  /** Writes agents into an agent file, with those that are in groups with them. */
  exportAgents: { params: ExportAgents; result: ExportedFile };
  /** Writes an agent's own thread into a file. */
  exportChat: { params: ExportChat; result: ExportedFile };
  /** Takes chats of ChatGPT in, as conversations and as passages. */
  importChats: { params: ImportChats; result: ImportedChats };
  /** Groups, oldest first. */
  listGroups: { params: Nothing; result: Array<GroupView> };
  /** Creates a group. */
  createGroup: { params: CreateGroup; result: GroupView };
  /** Changes a group. */
  updateGroup: { params: UpdateGroup; result: GroupView };
  /** Takes a group apart. Its agents stay, and what they said. */
  deleteGroup: { params: GroupRef; result: Nothing };
  /** Says something to a group; returns once it is recorded, the talk goes on in events. */
  sendToGroup: { params: SendToGroup; result: GroupView };
  /** What was said in a group. */
  listGroupMessages: { params: ListGroupMessages; result: GroupMessagePage };
  /** Stops the talk of a group. */
  cancelGroup: { params: GroupRef; result: Nothing };
  /** Has memory tidied in the background, or no longer. */
  setSleeptime: { params: SetSleeptime; result: SleeptimeView };
  /** Has memory tidied now. */
  tidyNow: { params: GroupRef; result: GroupView };
  /** A page of messages. */
  listMessages: { params: ListMessages; result: MessagePage };
  /** Records a message and begins a turn; returns at once, the turn goes on in events. */
  sendMessage: { params: SendMessage; result: TurnView };
  /** Stops a turn. */
  cancelTurn: { params: TurnRef; result: Nothing };
  /** Begins an interrupted, cancelled, failed or completed turn anew: what it answered goes to the bin, what it */
  /** remembered stays. */
  retryTurn: { params: TurnRef; result: TurnView };
  /** Allows or denies the tool call that a turn waits with; the turn goes on. */
  decideApproval: { params: DecideApproval; result: TurnView };
  /** Says a message anew and begins a turn. */
  editMessage: { params: EditMessage; result: TurnView };
  /** Moves a message to the bin. */
  deleteMessage: { params: MessageRef; result: Nothing };
  /** Takes a message out of the bin. */
  restoreMessage: { params: MessageRef; result: MessageView };
  /** Searches everything said. */
  searchMessages: { params: SearchMessages; result: Array<MessageHit> };
  /** Steps with what they saw and did. */
  listSteps: { params: ListSteps; result: Array<StepView> };
  /** Blocks. */
  listBlocks: { params: ListBlocks; result: Array<BlockView> };
  /** Creates a block and attaches it. */
  createBlock: { params: CreateBlock; result: BlockView };
  /** Changes a block. */
  updateBlock: { params: UpdateBlock; result: BlockView };
  /** Moves a block to the bin. */
  deleteBlock: { params: BlockRef; result: Nothing };
  /** Takes a block out of the bin, attached as it was. */
  restoreBlock: { params: BlockRef; result: BlockView };
  /** Shares a block with an agent. */
  attachBlock: { params: AttachBlock; result: BlockView };
  /** Ends the sharing of a block with an agent. */
  detachBlock: { params: AttachBlock; result: BlockView };
  /** Versions of a block, newest first. */
  listRevisions: { params: BlockRef; result: Array<RevisionView> };
  /** Undoes one revision. */
  undoRevision: { params: UndoRevision; result: BlockView };
  /** Searches an archive. */
  searchPassages: { params: SearchPassages; result: PassagePage };
  /** Saves a passage. */
  createPassage: { params: CreatePassage; result: Array<PassageView> };
  /** Changes a passage. */
  updatePassage: { params: UpdatePassage; result: PassageView };
  /** Moves passages to the bin. */
  deletePassages: { params: PassageRefs; result: Nothing };
  /** Takes passages out of the bin. */
  restorePassages: { params: PassageRefs; result: Nothing };
  /** Tags of an archive, most used first. */
  listTags: { params: AgentRef; result: Array<TagCount> };
  /** What the next prompt of an agent would be. */
  getContext: { params: AgentRef; result: ContextView };
  /** Evicts the oldest part of the window now. */
  compactNow: { params: AgentRef; result: CompactionView };
  /** Models, local and remote. */
  listModels: { params: Nothing; result: Array<ModelView> };
  /** Loads a model now. */
  loadModel: { params: ModelRef; result: ModelView };
  /** Adds a GGUF file. */
  addModelFile: { params: AddModelFile; result: ModelView };
  /** Takes a file that was added out of the library; the file stays. */
  forgetModel: { params: ModelRef; result: Nothing };
  /** Downloads a model; progress comes in events. */
  downloadModel: { params: ModelRef; result: ModelView };
  /** Stops a download; what is there is kept for the next try. */
  cancelDownload: { params: ModelRef; result: Nothing };
  /** Endpoints. */
  listEndpoints: { params: Nothing; result: Array<EndpointView> };
  /** Adds or changes an endpoint. */
  saveEndpoint: { params: SaveEndpoint; result: EndpointView };
  /** Removes an endpoint and its key. */
  deleteEndpoint: { params: EndpointRef; result: Nothing };
  /** Asks an endpoint for its models. */
  checkEndpoint: { params: SaveEndpoint; result: EndpointCheck };
}
